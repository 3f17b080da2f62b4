/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets. */
#ifndef CF_HTTP_LISTEN_H
#define CF_HTTP_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/err.h"

/* A listening TCP socket on a name or address, non-blocking. port 0 takes a free one. shared:
 * further sockets of this process may listen on the same port. ERR_IO, logged. */
enum err listen_open(const char *address, uint16_t port, bool shared, int *out_fd) CF_MUST_CHECK;
uint16_t listen_port(int fd);

#endif
