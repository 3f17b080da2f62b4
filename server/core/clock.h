/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks. Domain code never calls these: time is passed in. */
#ifndef CF_CORE_CLOCK_H
#define CF_CORE_CLOCK_H

#include <stdint.h>

enum { RFC3339_MAX = 32 };

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
/* "2026-11-22T22:48:50.123Z". */
void clock_rfc3339(int64_t wall_ms, char out[RFC3339_MAX]);

#endif
