// SPDX-License-Identifier: Apache-2.0
// The statement: y is the keyed MiMC permutation (exponent 5) of x under key k. The two halves of the
// task's binding value are public inputs as well, so a proof is worth nothing for another task or worker.
pragma circom 2.1.0;

// MiMC over the BN254 scalar field: x -> x^5 permutes it because 5 does not divide r - 1. 110 rounds reach
// the field's 254 bits of algebraic degree (254 / log2 5); ours has some more.
template Mimc5(ROUNDS) {
    signal input x;
    signal input k;
    signal output y;

    signal square[ROUNDS];
    signal fourth[ROUNDS];
    signal state[ROUNDS + 1];

    // SHA-256("computefi/mimc5/1") mod r; each later constant is the cube of the one before plus its round.
    var constant = 3928135221010953895087075533318303878445840296867054369764465640308901220613;
    state[0] <== x;
    for (var i = 0; i < ROUNDS; i++) {
        square[i] <== (state[i] + k + constant) * (state[i] + k + constant);
        fourth[i] <== square[i] * square[i];
        state[i + 1] <== fourth[i] * (state[i] + k + constant);
        constant = constant * constant * constant + i + 1;
    }
    y <== state[ROUNDS] + k;
}

template Statement(ROUNDS) {
    signal input x;
    signal input k;
    signal input t_hi; // binding value, bits 255..128
    signal input t_lo; // binding value, bits 127..0
    signal output y;

    component mimc = Mimc5(ROUNDS);
    mimc.x <== x;
    mimc.k <== k;
    y <== mimc.y;

    // A public input that no constraint touches could be exchanged in a finished proof.
    signal bound_hi;
    signal bound_lo;
    bound_hi <== t_hi * t_hi;
    bound_lo <== t_lo * t_lo;
}

component main {public [x, k, t_hi, t_lo]} = Statement(128);
