#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the domain vectors from the rules as they are worded, independently of the C code.
Run by hand after a rule changed: python3 tests/vectors/domain/make.py"""
import hashlib
import json
import os
import random
import struct
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
PPM = 10**6


def tagged(tag, *parts):
    h = hashlib.sha256(bytes([len(tag)]) + tag.encode())
    for p in parts:
        h.update(struct.pack(">Q", len(p)) + p)
    return h.digest()


def u64(n):
    return struct.pack(">Q", n)


class Lot:
    def __init__(self, seed):
        self.seed, self.i = seed, 0

    def below(self, n):
        limit = 2**64 - 2**64 % n
        while True:
            c = struct.unpack(">Q", tagged("computefi/lot/1", self.seed, u64(self.i))[:8])[0]
            self.i += 1
            if c < limit:
                return c % n


def score(w, cap, top, price, reserve):
    r = w * min(reserve, cap) // cap
    p = (PPM - w) * (top - price) // top
    return {"reserve_ppm": r, "price_ppm": p, "total_ppm": r + p}


def make_scores(rng):
    out = []
    for _ in range(60):
        top = rng.choice([1, 2, 3, 10, 10**6, 10**9 + 7, 10**18, rng.randint(1, 10**18)])
        cap = rng.choice([1, 7, 10**14, 10**18, rng.randint(1, 10**18)])
        w = rng.choice([0, 1, 100000, 333333, 500000, rng.randint(0, 500000)])
        price = rng.choice([0, top, rng.randint(0, top)])
        reserve = rng.choice([0, cap, 10**18, rng.randint(0, 10**18)])
        out.append({"weight_ppm": w, "cap_gwei": str(cap), "max_price_gwei": str(top),
                    "price_gwei": str(price), "reserve_gwei": str(reserve),
                    "score": score(w, cap, top, price, reserve)})
    return {"rule": "floor(w*min(reserve,cap)/cap) + floor((10^6-w)*(max_price-price)/max_price)",
            "cases": out}


def rank(case, bids, root):
    low = min(b["price"] for b in bids)
    w = case["w"]
    for b in bids:
        b["tie"] = hashlib.sha256(root + b["entity"].bytes).digest()
        b["score"] = score(w if case["rule"] == "default" else 0, case["cap"], case["top"],
                           b["price"], b["reserve"])["total_ppm"]
        b["behind"] = case["rule"] == "default" and (b["price"] - low) * (PPM - w) > low * w
    if case["rule"] == "default":
        bids.sort(key=lambda b: (b["behind"], -b["score"], -b["reserve"], b["tie"]))
    else:
        bids.sort(key=lambda b: (b["price"], -b["reserve"], b["tie"]))


def award(case, bids, seed):
    n = min(case["slots"], case["winners_max"])
    if case["rule"] != "default":
        got = [i for i in range(1, len(bids)) if bids[i]["covered"]][:n]
        if not got and bids and bids[0]["covered"]:
            got = [0]
        return [(i, bids[got[0]]["price"]) for i in got]
    left = [i for i, b in enumerate(bids) if b["covered"]]
    got = left[:1]
    left = left[1:]
    lot = Lot(seed)
    while left and len(got) < n:
        x = lot.below(sum(max(bids[i]["reserve"], 1) for i in left))
        for i in left:
            u = max(bids[i]["reserve"], 1)
            if x < u:
                break
            x -= u
        got.append(i)
        left.remove(i)
    return [(i, bids[i]["price"]) for i in got]


def rand_uuid(rng):
    return uuid.UUID(int=rng.getrandbits(128))


def make_ranking(rng, rule):
    out = []
    for k in range(30):
        top = rng.choice([100, 10**9, 10**12])
        case = {"rule": rule, "w": rng.choice([0, 100000, 250000, 500000]), "cap": 10**14,
                "top": top, "slots": rng.choice([1, 1, 2, 3, 5]),
                "winners_max": 16 if rule == "default" else 3}
        task = rand_uuid(rng)
        prices = [rng.randint(top // 3, top) for _ in range(3)]
        bids = [{"bid": rand_uuid(rng), "entity": rand_uuid(rng),
                 "price": rng.choice(prices + [rng.randint(0, top)]),
                 "reserve": rng.choice([10**12, 10**13, 10**13, rng.randint(0, 2 * 10**14)]),
                 "covered": rng.random() < 0.85, "commitment": rng.randbytes(32)}
                for _ in range(1 if k == 0 else 2 if k == 1 else rng.randint(2, 12))]
        bids.sort(key=lambda b: b["bid"].bytes)
        root = tagged("computefi/close/1", task.bytes, *[b["commitment"] for b in bids])
        seed = tagged("computefi/slots/1", task.bytes, u64(1), root)
        given = [dict(b) for b in bids]
        rank(case, bids, root)
        won = award(case, bids, seed)
        out.append({
            "weight_ppm": case["w"], "cap_gwei": str(case["cap"]), "max_price_gwei": str(top),
            "slots": case["slots"], "winners_max": case["winners_max"], "round": 1,
            "task": str(task), "close_root": root.hex(), "seed": seed.hex(),
            "bids": [{"bid": str(b["bid"]), "entity": str(b["entity"]),
                      "commitment": b["commitment"].hex(), "price_gwei": str(b["price"]),
                      "reserve_gwei": str(b["reserve"]), "covered": b["covered"]} for b in given],
            "ranked": [{"bid": str(b["bid"]), "score_ppm": b["score"], "behind": b["behind"]}
                       for b in bids],
            "awards": [{"bid": str(bids[i]["bid"]), "price_gwei": str(p)} for i, p in won]})
    return {"rule": rule, "cases": out}


def make_sortition(rng):
    out = []
    for _ in range(30):
        stakes = sorted(((rand_uuid(rng), rng.choice([1, 5, 10**13, rng.randint(1, 10**15)]))
                         for _ in range(rng.randint(3, 12))), key=lambda s: s[0].bytes)
        if rng.random() < 0.2:
            stakes[0] = (stakes[0][0], 10**17)
        seats = rng.choice([5, 15, 20, 31])
        root = tagged("computefi/snapshot/1", b"".join(e.bytes + u64(n) for e, n in stakes))
        task, commitment = rand_uuid(rng), rng.randbytes(32)
        seed = tagged("computefi/draw/1", b"computefi-dev", task.bytes, u64(0), u64(1), u64(1),
                      commitment, root)
        lot, got = Lot(seed), []

        def draw(pool):
            x = lot.below(sum(stakes[i][1] for i in pool))
            for i in pool:
                if x < stakes[i][1]:
                    return i
                x -= stakes[i][1]

        for _ in range(seats):
            got.append(draw(range(len(stakes))))
        while len(set(got)) < 3:
            got.append(draw([i for i in range(len(stakes)) if i not in got]))
        out.append({"market": "computefi-dev", "task": str(task), "slot": 0, "fence": 1, "rung": 1,
                    "commitment": commitment.hex(), "seats": seats,
                    "snapshot": [{"entity": str(e), "units": str(n)} for e, n in stakes],
                    "snapshot_root": root.hex(), "seed": seed.hex(), "drawn": got})
    return {"cases": out}


def refusal(n):
    return 2 * n // 3 + 1


def make_quorum(rng):
    ladder = [[5, 5], [15, 11], [31, 21], [101, 68]]
    sizes = [{"seats": n, "quorum": 5 if n == 5 else refusal(n)} for n in range(1, 120)]
    rungs = []
    for eligible in [0, 1, 2, 3, 4, 7, 10, 11, 200]:
        seats = [min(s, 10 * eligible) for s, _ in ladder]
        for i, (s, q) in enumerate(ladder):
            ok = eligible >= 3 and (i == 0 or seats[i] > seats[i - 1])
            quorum = q if seats[i] == s else seats[i] if s == q else refusal(seats[i])
            rungs.append({"eligible": eligible, "rung": i, "seatable": ok,
                          "seats": seats[i] if ok else 0, "quorum": quorum if ok else 0})
    tallies = []
    for s, q in ladder + [[20, 12]]:
        for last in (False, True):
            for yes, no in {(s, 0), (0, s), (q, s - q), (q - 1, s - q + 1), (q - 1, 0),
                            (s - refusal(s), refusal(s)), (0, refusal(s) - 1),
                            (s // 2, s - s // 2)}:
                result = ("accept" if yes >= q else "escalate" if not last
                          else "refuse" if no >= refusal(s) else "inconclusive")
                tallies.append({"seats": s, "quorum": q, "yes": yes, "no": no, "last": last,
                                "result": result})
    return {"ladder": ladder, "sizes": sizes, "rungs": rungs,
            "tallies": sorted(tallies, key=lambda t: json.dumps(t, sort_keys=True))}


def make_settlement(rng):
    out = []
    for k in range(40):
        fee, pool = rng.choice([(50000, 0), (0, 200000), (33333, 0), (1, 199999)])
        slots = [rng.choice([1, 3, 7, 10**9 + 1, rng.randint(1, 10**12)])
                 for _ in range(rng.choice([0, 1, 1, 2, 3]))]
        seats = [{"slot": rng.randrange(len(slots)), "weight": rng.randint(1, 4),
                  "due_gwei": rng.choice([0, 1, 10**7])}
                 for _ in range(rng.randint(0, 7) if slots else 0)]
        for s in seats:
            s["due_gwei"] = str(s["due_gwei"] * s["weight"])
        fees = [p * fee // PPM for p in slots]
        pools = [p * pool // PPM for p in slots]
        nets = [p - f - q for p, f, q in zip(slots, fees, pools)]
        paid = []
        for s in seats:
            w = sum(t["weight"] for t in seats if t["slot"] == s["slot"])
            paid.append(pools[s["slot"]] * s["weight"] // w if pool else int(s["due_gwei"]))
        due = sum(fees) + sum(nets) + sum(paid)
        escrow = due + rng.choice([0, 1, 10**9])
        if k % 10 == 9 and due > 0:
            escrow = due - 1
        case = {"escrow_gwei": str(escrow), "fee_ppm": fee, "pool_ppm": pool,
                "prices": [str(p) for p in slots], "seats": seats, "fits": escrow >= due}
        if escrow >= due:
            case.update({"fees": [str(f) for f in fees], "nets": [str(n) for n in nets],
                         "seat_nets": [str(p) for p in paid], "refund_gwei": str(escrow - due)})
        out.append(case)
    falls = []
    for _ in range(20):
        s, v, d = (rng.choice([0, 1, 10**9, rng.randint(0, 10**10)]) for _ in range(3))
        a = min(s, v)
        b = min(s - a, d)
        falls.append({"slash_gwei": str(s), "verification": str(v), "difference": str(d),
                      "to_verification": str(a), "to_difference": str(b), "burn": str(s - a - b)})
    return {"cases": out, "waterfalls": falls}


def main():
    rng = random.Random(4399)
    files = {"scores.json": make_scores(rng), "ranking.json": make_ranking(rng, "default"),
             "preset_cysic.json": make_ranking(rng, "cysic-production"),
             "sortition.json": make_sortition(rng), "quorum.json": make_quorum(rng),
             "settlement.json": make_settlement(rng)}
    for name, content in files.items():
        with open(os.path.join(HERE, name), "w") as f:
            json.dump(content, f, indent=1, sort_keys=True)
            f.write("\n")


main()
