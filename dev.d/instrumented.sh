#!/bin/sh
# The compiler that the fuzz targets are built with: our own crates count for libFuzzer where they have been, all others
# are the ones that are built already. Cargo calls it as `instrumented.sh RUSTC ARGUMENT...`.
set -eu
case " $* " in
    *" --crate-name twofold_"*)
        exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares
        ;;
esac
exec "$@"
