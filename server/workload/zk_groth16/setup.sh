#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh OUTDIR: compiles the circuit and makes its keys by a local ceremony (about 15 s). OUTDIR then holds
# circuit.wasm, circuit.zkey, verification_key.json and prove.mjs. Does nothing when OUTDIR is complete and the
# sources are unchanged. Nothing is downloaded.
set -euo pipefail

out=$(mkdir -p "${1:?usage: setup.sh OUTDIR}" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../../../deploy/tools" && pwd)/node_modules
[ -x "$tools/.bin/circom2" ] || { echo "setup.sh: run npm ci in deploy/tools first" >&2; exit 1; }

ln -sfn "$tools" "$out/node_modules"
install -m 644 "$here/prove.mjs" "$out/prove.mjs"
want=$(cat "$here/circuit.circom" "$here/ceremony.mjs" | sha256sum | cut -d ' ' -f 1)
complete=1
for f in circuit.wasm circuit.zkey verification_key.json; do
    [ -s "$out/$f" ] || complete=0
done
if [ "$complete" = 1 ] && [ "$(cat "$out/source.sha256" 2>/dev/null)" = "$want" ]; then
    exit 0
fi

work=$(mktemp -d "$out/ceremony.XXXXXX")
trap 'rm -rf "$work"' EXIT
ln -s "$tools" "$work/node_modules"
install -m 644 "$here/circuit.circom" "$here/ceremony.mjs" "$work/"
# The compiler is WASI and sees only its working folder.
(cd "$work" && "$tools/.bin/circom2" circuit.circom --r1cs --wasm --O2 -o . >compile.log) ||
    { cat "$work/compile.log" >&2; exit 1; }
(cd "$work" && node ceremony.mjs .)
for f in circuit.zkey verification_key.json; do
    [ -s "$work/$f" ] || { echo "setup.sh: $f is empty" >&2; exit 1; }
done
rm -f "$out/source.sha256"
mv "$work/circuit_js/circuit.wasm" "$work/circuit.zkey" "$work/verification_key.json" "$out/"
echo "$want" >"$out/source.sha256"
