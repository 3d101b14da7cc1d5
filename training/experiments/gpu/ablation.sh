# Read by 6_headline.sh and 7_tables.sh. Scores and tables come back, weights do not: a row that is
# scored is never trained again, one that was stopped goes on where WORK still is.

# tables NAME...: do the rows that are missing while time is left.
tables() {
    local name more=()
    restore panogan ablation
    data
    [ ! -f "$WORK/panogan/generator.safetensors" ] || more=(--generator "$WORK/panogan")
    for name in "$@"; do
        run ablate --table "$name" --data "$WORK/train" --held-out "$WORK/test" \
            --same-area "$WORK/watch" --watch "$WORK/watch" --out "$WORK/ablation" --device "$DEVICE" \
            --minutes "$(minutes_left)" "${ABLATION[@]}" "${more[@]}"
        (cd "$WORK" && find ablation -path '*/scores/*.json' && find ablation -maxdepth 1 -type f) \
            >"$WORK/scored"
        pack ablation -T "$WORK/scored"
        ((SECONDS + SAVING_S < LIMIT_S)) || break
    done
}
