#!/usr/bin/env bash
# Train the generator of street views for the time left; run again to go on.
. "$(dirname "$0")/common.sh"
data
restore panogan
resume=()
[ ! -f "$WORK/panogan/last.safetensors" ] || resume=(--resume)
run panogan --data "$WORK/train" --held-out "$WORK/watch" --out "$WORK/panogan" "${PANOGAN[@]}" \
    --minutes "$(minutes_left)" --device "$DEVICE" "${resume[@]}"
rm -rf "$WORK/panogan/tensorboard"
pack panogan panogan
