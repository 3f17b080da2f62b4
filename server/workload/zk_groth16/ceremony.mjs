// SPDX-License-Identifier: Apache-2.0
// node ceremony.mjs DIR: from DIR/circuit.r1cs makes circuit.zkey and verification_key.json by a local
// powers-of-tau and phase 2 ceremony. Every contribution's secret is drawn here and thrown away.
import { randomBytes } from "node:crypto";
import { rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as snarkjs from "snarkjs";

const POWER = 9; // 2^9 rows hold the circuit's 386 constraints and its public signals
const dir = path.resolve(process.argv[2]);
const at = (name) => path.join(dir, name);
const secret = () => randomBytes(64).toString("hex");

async function powersOfTau() {
  const curve = await snarkjs.curves.getCurveFromName("bn128");
  await snarkjs.powersOfTau.newAccumulator(curve, POWER, at("pot0.ptau"));
  await snarkjs.powersOfTau.contribute(at("pot0.ptau"), at("pot1.ptau"), "first", secret());
  await snarkjs.powersOfTau.contribute(at("pot1.ptau"), at("pot2.ptau"), "second", secret());
  await snarkjs.powersOfTau.preparePhase2(at("pot2.ptau"), at("final.ptau"));
}

async function phaseTwo() {
  const made = await snarkjs.zKey.newZKey(at("circuit.r1cs"), at("final.ptau"), at("key0.zkey"));
  // A circuit that does not fit the powers leaves an empty key and no error.
  if (made === -1 || statSync(at("key0.zkey")).size === 0) throw new Error("the circuit does not fit 2^" + POWER);
  await snarkjs.zKey.contribute(at("key0.zkey"), at("key1.zkey"), "first", secret());
  await snarkjs.zKey.contribute(at("key1.zkey"), at("circuit.zkey"), "second", secret());
  if (!(await snarkjs.zKey.verifyFromR1cs(at("circuit.r1cs"), at("final.ptau"), at("circuit.zkey"))))
    throw new Error("the finished key does not belong to the circuit");
}

await powersOfTau();
await phaseTwo();
const vkey = await snarkjs.zKey.exportVerificationKey(at("circuit.zkey"));
writeFileSync(at("verification_key.json"), JSON.stringify(vkey, null, 1) + "\n");
for (const name of ["pot0.ptau", "pot1.ptau", "pot2.ptau", "final.ptau", "key0.zkey", "key1.zkey"]) rmSync(at(name));
process.exit(0); // the curve's worker threads would keep the process alive
