# Read by 6_headline.sh and 7_tables.sh. Scores and tables come back, weights do not: a row that is
# scored is never trained again. Of the row that was stopped the checkpoint comes back too.

# tables NAME...: do the rows that are missing while time is left.
tables() {
    local name options more=()
    restore ablation ablation running
    restore panogan/generator.safetensors generator
    data
    [ ! -f "$WORK/panogan/generator.safetensors" ] || more=(--generator "$WORK/panogan")
    for name in "$@"; do
        options=("${ABLATION[@]}" "${more[@]}")
        # Calibration is one study of one model, in other cities alone.
        [ "$name" = calibration ] ||
            options+=(--same-area "$WORK/watch" --minutes "$(minutes_left)")
        run ablate --table "$name" --data "$WORK/train" --held-out "$WORK/test" \
            --watch "$WORK/watch" --out "$WORK/ablation" --device "$DEVICE" "${options[@]}"
        save
        ((SECONDS + SAVING_S < LIMIT_S)) || break
    done
}

save() {
    local scored row
    [ -d "$WORK/ablation" ] || return 0
    mapfile -t scored < <(
        cd "$WORK" && find ablation -path '*/scores/*.json' && find ablation -maxdepth 1 -type f
    )
    pack ablation "${scored[@]}"
    rm -f "$OUT"/running.tgz.*
    row=$(row_that_was_stopped)
    [ -z "$row" ] || pack running "$row"/{config.json,run.json,history.json,last.safetensors}
}

# The folder of the latest checkpoint, unless that row is scored: crossing areas comes last.
row_that_was_stopped() {
    local row
    row=$(cd "$WORK" && ls -t ablation/runs/*/seed_*/last.safetensors 2>/dev/null | head -n 1) || true
    row=${row%/*}
    [ -z "$row" ] || compgen -G "$WORK/$row/scores/cross*" >/dev/null || echo "$row"
}
