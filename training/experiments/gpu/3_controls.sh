#!/usr/bin/env bash
# Score the matcher beside its controls: city by city, along roads, all cities at once, the hard tier.
. "$(dirname "$0")/common.sh"
restore matcher/bundle bundle
need matcher/bundle 2_matcher.sh
data
hard_data
save() { pack controls controls; }
score() {
    local name=$1
    shift
    run evaluate --bundle "$WORK/matcher/bundle" --out "$WORK/controls/$name" --device "$DEVICE" \
        "${SCORING[@]}" "$@"
    save
}
score test --data "$WORK/test" --controls
score roads --data "$WORK/test" --gallery roads
score pooled --data "$WORK/test" --gallery pooled --no-study
score hard --data "$WORK/hard" --controls
score hard_after --data "$WORK/hard" --imagery after --no-study
