/* fixture_print: writes to standard output and standard error inside handle, as plugins that are
 * being debugged do.
 *
 *     /print           the payload and a line end to both
 *     /flood?bytes=N   N bytes (100) in lines of 50 to standard output
 *     /abort           the payload to standard error, and aborts */
#include <stdio.h>
#include <stdlib.h>

#include "../fixture.h"

static NrStatus done(uint64_t sid) {
    nr_answer_str(&host, sid, NR_OK, "");
    return NR_OK;
}

static NrStatus print(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request;
    printf("%.*s\n", (int)payload.len, (const char *)payload.ptr);
    fprintf(stderr, "%.*s\n", (int)payload.len, (const char *)payload.ptr);
    return done(sid);
}

static NrStatus flood(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)payload;
    uint64_t lines = query_number(request, "bytes", 100) / 50;
    for (uint64_t i = 1; i <= lines; i++) {
        printf("%049" PRIu64 "\n", i);
    }
    return done(sid);
}

static NrStatus end(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)sid, (void)request;
    fprintf(stderr, "%.*s\n", (int)payload.len, (const char *)payload.ptr);
    abort();
}

FIXTURE_EXPORT("fixture_print", {"/print", print}, {"/flood", flood}, {"/abort", end})
