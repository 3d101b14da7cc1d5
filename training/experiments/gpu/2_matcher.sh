#!/usr/bin/env bash
# Train the matcher for the time left; run again to go on until the steps of its recipe are done.
. "$(dirname "$0")/common.sh"
data
restore matcher/last.safetensors matcher
save() {
    pack matcher matcher/{config.json,run.json,history.json,last.safetensors}
    pack bundle matcher/bundle
}
resume=()
[ ! -f "$WORK/matcher/last.safetensors" ] || resume=(--resume)
run train --data "$WORK/train" --held-out "$WORK/watch" --out "$WORK/matcher" "${MATCHER[@]}" \
    --minutes "$(minutes_left)" --device "$DEVICE" "${resume[@]}"
