#!/usr/bin/env bash
# Ours, the paper's text and the released code on the same data; run again until every row is there.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/ablation.sh"
tables ${TABLES:-headline}
