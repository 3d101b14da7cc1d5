# Read by the numbered scripts, which a machine with a GPU runs in order, one command line each.
#
# OUT          folder for what comes back: archives in pieces of at most 15 MB
# WORK         folder for data and runs; what is there is kept and gone on from
# RESUME_FROM  a folder with what came back before, for a machine that has forgotten
# GEOMETRY     folders of real geometry, made ready by `geometry`, to train on beside drawn cities
# SIZE         full, or tiny: to see on a processor that everything runs
# DEVICE, PYTHON, LIMIT_S (seconds that one script may take)
# JOBS         processes that render, each with one that drafts ahead of it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
: "${OUT:?name the folder for what comes back}" "${WORK:?name the folder for data and runs}"
DEVICE=${DEVICE:-cuda} PYTHON=${PYTHON:-python3} SIZE=${SIZE:-full} LIMIT_S=${LIMIT_S:-530}
mkdir -p "$OUT" "$WORK"
OUT=$(realpath "$OUT") WORK=$(realpath "$WORK")

if [ "$SIZE" = tiny ]; then
    TRAIN=los_angeles TEST=toronto DISTRICTS=1 TEST_DISTRICTS=1 REAL=1 PLACES=12 JOBS=1 SAVING_S=1
    SMALLER=(--set batch=6 --set cities_per_batch=1 --set precision=32-true --set evaluate_every=2)
    MATCHER=(--config training/configs/smoke.yaml)
    PANOGAN=(--config training/configs/panogan_smoke.yaml)
    ABLATION=(--steps 1 --seeds 1 "${SMALLER[@]}" --set matcher.windows_per_photo=1
        --set model.backbone=atto)
    SCORING=(--samples 5 --fov 90)
else
    TRAIN=train TEST=test DISTRICTS=20 TEST_DISTRICTS=3 REAL=20 PLACES=100 JOBS=${JOBS:-8}
    SAVING_S=45
    MATCHER=(--config training/configs/gpu.yaml)
    PANOGAN=(--config training/configs/panogan.yaml --set precision=bf16-mixed)
    ABLATION=(--config training/configs/gpu.yaml --steps 1500 --seeds 1,2,3)
    SCORING=()
fi

# What a script keeps: each says it anew. It is packed however the script ends, killed or not.
save() { :; }
trap save EXIT
trap 'kill $(jobs -p) 2>/dev/null || true; wait; exit 143' TERM INT

# In the background, since bash heeds no signal while it waits for a command.
run() {
    "$PYTHON" -m training "$@" &
    wait $!
}

# Minutes left of this script's time, some seconds kept for what follows.
minutes_left() {
    awk -v s=$((LIMIT_S - SECONDS - SAVING_S - ${1:-0})) 'BEGIN { print (s > 3 ? s : 3) / 60 }'
}

# render FOLDER CITIES FIRST LAST OPTIONS...: districts of cities, dealt out to processes.
render() {
    local folder=$WORK/$1 cities=$2 first=$3 last=$4 jobs=() at
    shift 4
    local share=$(((last - first + JOBS - 1) / JOBS))
    for ((at = first; at < last; at += share)); do
        "$PYTHON" -m training render --out "$folder" \
            --cities "$cities$at:$((at + share < last ? at + share : last))" --places "$PLACES" \
            --workers 1 --device "$DEVICE" "$@" &
        jobs+=($!)
    done
    for at in "${jobs[@]}"; do wait "$at"; done
}

# Cities to learn from, other districts of them to watch by, cities of none of them to test on.
data() {
    [ ! -f "$WORK/whole" ] || return 0
    render train "$TRAIN:" 0 "$DISTRICTS"
    local at=0 folder
    for folder in ${GEOMETRY:-}; do
        render train "" "$at" $((at + REAL)) --geometry "$folder"
        at=$((at + REAL))
    done
    render watch "$TRAIN:" "$DISTRICTS" $((DISTRICTS + 1))
    render test "$TEST:" 0 "$TEST_DISTRICTS" --gallery
    touch "$WORK/whole"
}

# Cities to test on as they are after a disaster, seen by poor photos.
hard_data() {
    [ ! -f "$WORK/hard_whole" ] || return 0
    render hard "$TEST:" 100 $((100 + TEST_DISTRICTS)) --state mixed --tier hard
    touch "$WORK/hard_whole"
}

# restore PATH NAMES...: unpack what came back earlier by these names, where PATH is not in WORK.
restore() {
    local path=$1 name
    shift
    [ ! -e "$WORK/$path" ] || return 0
    for name in "$@"; do
        if compgen -G "${RESUME_FROM:-/nowhere}/$name.tgz.*" >/dev/null; then
            cat "$RESUME_FROM/$name".tgz.* | tar xz -C "$WORK"
        fi
    done
}

# pack NAME PATHS...: write those paths of WORK that are there into OUT, as an archive in pieces.
pack() {
    local name=$1 path there=()
    shift
    for path in "$@"; do [ ! -e "$WORK/$path" ] || there+=("$path"); done
    rm -f "$OUT/.$name".tgz.*
    ((${#there[@]})) || return 0
    tar cz -C "$WORK" "${there[@]}" | split -b 15000000 -d - "$OUT/.$name.tgz."
    rm -f "$OUT/$name".tgz.*
    for path in "$OUT/.$name".tgz.*; do mv "$path" "$OUT/${path##*/.}"; done
}

need() {
    [ -e "$WORK/$1" ] || { echo "$WORK/$1 is not there; run $2 first, or name what came back as RESUME_FROM" >&2; exit 2; }
}
