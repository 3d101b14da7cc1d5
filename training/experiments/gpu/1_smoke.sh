#!/usr/bin/env bash
# Does it run, and how fast: places rendered and learned from a second, two steps, figures.
. "$(dirname "$0")/common.sh"
data
run measure --data "$WORK/train" --out "$OUT/rates.json" --device "$DEVICE" \
    --sizes "$([ "$SIZE" = tiny ] && echo 4 || echo 20,100,400)" \
    --batch "$([ "$SIZE" = tiny ] && echo 6 || echo 192)" \
    --steps "$([ "$SIZE" = tiny ] && echo 2 || echo 20)"
rm -rf "$WORK/smoke"
run train --data "$WORK/train" --held-out "$WORK/watch" --out "$WORK/smoke" \
    --config training/configs/smoke.yaml --device "$DEVICE"
run evaluate --data "$WORK/test" --bundle "$WORK/smoke/bundle" --out "$OUT/smoke.json" \
    --device "$DEVICE" "${SCORING[@]}"
