/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd lacks: an absolute deadline for a request's bytes, an end for idle
 * connections, and the notice that the client of a parked poll hung up. All on the loop's thread,
 * so no descriptor can be reused between the look and the shutdown. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/http/internal.h"

enum { POLL_BATCH = 256 };

/* IPv6 callers own a /64 at least: one bucket for all of it. */
static void read_address(const struct sockaddr *sa, uint8_t out[16])
{
    memset(out, 0, 16);
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        out[10] = out[11] = 0xff;
        memcpy(out + 12, &in->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
        memcpy(out, &in6->sin6_addr, 8);
    }
}

static struct conn *open_conn(struct loop *l, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL || fd == NULL) {
        free(c);
        return NULL;
    }
    c->mhd = mhd;
    c->fd = fd->connect_fd;
    c->deadline_ms = l->now_ms + l->server->options.request_deadline_ms;
    c->idle_seen = true; /* with no byte so far */
    if (from != NULL && from->client_addr != NULL)
        read_address(from->client_addr, c->address);
    ring_add(&l->conns, &c->all);
    atomic_fetch_add_explicit(&l->conn_count, 1, memory_order_relaxed);
    return c;
}

void conn_notify(void *cls, struct MHD_Connection *mhd, void **context,
                 enum MHD_ConnectionNotificationCode code)
{
    struct loop *l = cls;
    struct conn *c = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = open_conn(l, mhd);
        return;
    }
    if (c == NULL)
        return;
    ring_remove(&c->all);
    atomic_fetch_sub_explicit(&l->conn_count, 1, memory_order_relaxed);
    free(c);
    *context = NULL;
}

/* Between two requests libmicrohttpd shows us nothing until a request line is complete; the kernel
 * counts the bytes. */
static void look_at_idle(struct loop *l, struct conn *c)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    memset(&info, 0, sizeof info);
    if (c->idle_bytes == CONN_BYTES_STARTED ||
        getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return;
    if (!c->idle_seen) {
        c->idle_seen = true;
        c->idle_bytes = info.tcpi_bytes_received;
    } else if (info.tcpi_bytes_received > c->idle_bytes) {
        int64_t deadline = l->now_ms + l->server->options.request_deadline_ms;
        c->idle_bytes = CONN_BYTES_STARTED;
        if (deadline < c->deadline_ms)
            c->deadline_ms = deadline;
    }
}

static void poll_batch(struct pollfd *fds, struct conn **conns, size_t count)
{
    if (count == 0 || poll(fds, count, 0) <= 0)
        return;
    for (size_t i = 0; i < count; i++) {
        if ((fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0)
            continue;
        conns[i]->slot->kill = true;
        slot_wake(conns[i]->slot, false);
    }
}

void sweep_run(struct loop *l)
{
    struct pollfd fds[POLL_BATCH];
    struct conn *conns[POLL_BATCH];
    size_t count = 0;
    for (struct ring *at = l->conns.next; at != &l->conns; at = at->next) {
        struct conn *c = RING_OF(struct conn, all, at);
        if (c->slot != NULL && c->slot->is_parked) {
            fds[count] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
            conns[count++] = c;
        } else if (c->deadline_ms <= l->now_ms) {
            shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees the end and closes */
        } else if (c->slot == NULL) {
            look_at_idle(l, c);
        }
        if (count == POLL_BATCH) {
            poll_batch(fds, conns, count);
            count = 0;
        }
    }
    poll_batch(fds, conns, count);
}
