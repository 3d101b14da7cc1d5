#!/usr/bin/env bash
# One bundle of matcher and generator, scored under every policy and fill-in.
. "$(dirname "$0")/common.sh"
restore matcher/bundle bundle
restore panogan/generator.safetensors generator
need matcher/bundle 2_matcher.sh
need panogan/generator.safetensors 4_panogan.sh
data
save() { pack policies policies; }
run export --bundle "$WORK/matcher/bundle" --generator "$WORK/panogan" --out "$WORK/policies/bundle"
run weigh-synthetic --data "$WORK/watch" --bundle "$WORK/policies/bundle" --write --device "$DEVICE"
run synthesis --data "$WORK/test" --run "$WORK/panogan" --out "$WORK/policies/synthesis" \
    --device "$DEVICE"
for policy in synthetic hybrid; do
    run evaluate --data "$WORK/test" --bundle "$WORK/policies/bundle" --policy "$policy" \
        --out "$WORK/policies/$policy" --device "$DEVICE" "${SCORING[@]}"
done
