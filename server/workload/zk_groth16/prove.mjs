// SPDX-License-Identifier: Apache-2.0
// node prove.mjs INPUT OUTPUT: reads {"x","k","t_hi","t_lo"} as decimal strings, writes {"proof","public"} as
// snarkjs makes them. The circuit and its proving key lie beside this file (setup.sh puts it there).
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as snarkjs from "snarkjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const [inputFile, outputFile] = process.argv.slice(2);
const { x, k, t_hi, t_lo } = JSON.parse(readFileSync(inputFile, "utf8"));
// One thread: the market runs as many proofs at a time as the node's owner allowed.
const { proof, publicSignals } = await snarkjs.groth16.fullProve(
  { x, k, t_hi, t_lo },
  path.join(here, "circuit.wasm"),
  path.join(here, "circuit.zkey"),
  undefined,
  undefined,
  { singleThread: true },
);
writeFileSync(outputFile, JSON.stringify({ proof, public: publicSignals }));
process.exit(0);
