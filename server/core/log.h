/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-lines log on standard error: {"ts","level","prog","msg",fields...}. Thread-safe; one write
 * per line. */
#ifndef CF_CORE_LOG_H
#define CF_CORE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* program: static string; format_text: human text instead of JSON. */
void log_setup(const char *program, enum log_level least, int format_text);
/* fields: key, value pairs of strings, ended by NULL:  log_event(LOG_INFO, "task paid", "task", id,
 * NULL). Secrets have no formatter on purpose: never pass them. Lines are cut at 4 KiB. */
void log_event(enum log_level level, const char *message, ...) __attribute__((sentinel));

#endif
