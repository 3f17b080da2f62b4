/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of suspended requests: a wheel of WHEEL_TICK_MS buckets. Adding and removing costs the
 * same however many polls are parked. */
#include "server/http/internal.h"

void timers_init(struct loop *l)
{
    for (int i = 0; i < WHEEL_BUCKETS; i++)
        ring_init(&l->wheel[i]);
    l->wheel_tick = l->now_ms / WHEEL_TICK_MS;
}

/* In the tick after the deadline, so that an expired timer is never early. */
void timer_add(struct slot *s, int64_t at_ms)
{
    struct loop *l = s->loop;
    int64_t tick = at_ms / WHEEL_TICK_MS + 1;
    if (tick <= l->wheel_tick)
        tick = l->wheel_tick + 1;
    s->timer_at_ms = at_ms;
    ring_add(&l->wheel[tick % WHEEL_BUCKETS], &s->timer);
    l->wheel_count++;
}

void timer_remove(struct slot *s)
{
    if (s->timer.next == &s->timer)
        return;
    ring_remove(&s->timer);
    s->loop->wheel_count--;
}

static void run_bucket(struct loop *l, struct ring *head)
{
    struct ring *next;
    for (struct ring *at = head->next; at != head; at = next) {
        next = at->next; /* slot_wake removes its own timer only */
        struct slot *s = RING_OF(struct slot, timer, at);
        if (s->timer_at_ms <= l->now_ms)
            slot_wake(s, true);
    }
}

void timers_run(struct loop *l)
{
    int64_t tick = l->now_ms / WHEEL_TICK_MS;
    if (l->wheel_count == 0) {
        l->wheel_tick = tick;
        return;
    }
    if (tick - l->wheel_tick > WHEEL_BUCKETS)
        l->wheel_tick = tick - WHEEL_BUCKETS; /* one full turn visits every bucket */
    while (l->wheel_tick < tick) {
        l->wheel_tick++;
        run_bucket(l, &l->wheel[l->wheel_tick % WHEEL_BUCKETS]);
    }
}
