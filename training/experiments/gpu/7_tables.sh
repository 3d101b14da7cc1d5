#!/usr/bin/env bash
# The paper's other tables, one after the other; run again until every row is there.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/ablation.sh"
tables ${TABLES:-references policy calibration correlation fusion losses backbones}
