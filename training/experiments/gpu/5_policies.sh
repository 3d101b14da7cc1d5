#!/usr/bin/env bash
# One bundle of matcher and generator, scored under every policy and fill-in.
. "$(dirname "$0")/common.sh"
restore matcher panogan
need matcher/bundle 2_matcher.sh
need panogan/generator.safetensors 4_panogan.sh
data
run export --run "$WORK/matcher" --generator "$WORK/panogan" --out "$WORK/policies/bundle"
run synthesis --data "$WORK/test" --run "$WORK/panogan" --out "$WORK/policies/synthesis" \
    --device "$DEVICE"
for policy in synthetic hybrid; do
    run evaluate --data "$WORK/test" --bundle "$WORK/policies/bundle" --policy "$policy" \
        --out "$WORK/policies/$policy" --device "$DEVICE" "${SCORING[@]}"
done
pack policies policies
