#!/usr/bin/env bash
# Train the generator of street views for the time left; run again to go on.
. "$(dirname "$0")/common.sh"
data
restore panogan/last.safetensors panogan
save() {
    pack panogan panogan/{config.json,run.json,history.json,last.safetensors,best.safetensors,pictures}
    pack generator panogan/{config.json,run.json,generator.json,generator.safetensors} \
        panogan/synthesis.{md,json}
}
resume=()
[ ! -f "$WORK/panogan/last.safetensors" ] || resume=(--resume)
run panogan --data "$WORK/train" --held-out "$WORK/watch" --out "$WORK/panogan" "${PANOGAN[@]}" \
    --minutes "$(minutes_left)" --device "$DEVICE" "${resume[@]}"
