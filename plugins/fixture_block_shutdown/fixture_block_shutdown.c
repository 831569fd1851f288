/* fixture_block_shutdown: a shutdown that does not return until it is told.
 *
 *     /gate   the payload is the path of a FIFO: shutdown opens it for reading, and so blocks until
 *             somebody has opened it for writing and closed it again
 *     /echo   the payload
 *
 * Without a gate shutdown returns at once. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../fixture.h"

static char gate[512];

static NrStatus set_gate(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    if (payload.len >= sizeof(gate)) {
        return NR_INVALID;
    }
    memcpy(gate, payload.ptr, payload.len);
    gate[payload.len] = '\0';
    nr_answer_str(&host, sid, NR_OK, "");
    return NR_OK;
}

static NrStatus echo(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    nr_answer(&host, sid, NR_OK, payload);
    return NR_OK;
}

static int open_gate(void) {
    int fd = -1;
    do {
        fd = open(gate, O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static void shutdown(void *ctx) {
    (void)ctx;
    int fd = gate[0] != '\0' ? open_gate() : -1;
    if (fd < 0) {
        return;
    }
    char byte = 0;
    ssize_t got = 1;
    while (got > 0 || (got < 0 && errno == EINTR)) {
        got = read(fd, &byte, 1);
    }
    close(fd);
}

FIXTURE_EXPORT_WITH("fixture_block_shutdown", fixture_init, shutdown, {"/gate", set_gate},
                    {"/echo", echo})
