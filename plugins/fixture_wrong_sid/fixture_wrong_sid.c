/* fixture_wrong_sid: answers calls that it was never given.
 *
 *     /wrong   answers "wrong" to 0, to every sid that differs from its own in one bit, and to all
 *              bits set; then answers its own call with "right"
 *     /only    the wrong ones, and never its own
 *
 * Have one call in flight at a time: a sid one bit away may be another call of this image, which it
 * may answer. */
#include "../fixture.h"

static void answer_wrong(uint64_t sid) {
    NrBytes wrong = nr_bytes_str("wrong");
    nr_answer(&host, 0, NR_OK, wrong);
    nr_answer(&host, UINT64_MAX, NR_OK, wrong);
    for (int bit = 0; bit < 64; bit++) {
        nr_answer(&host, sid ^ (UINT64_C(1) << bit), NR_OK, wrong);
    }
}

static NrStatus wrong(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    answer_wrong(sid);
    nr_answer_str(&host, sid, NR_OK, "right");
    return NR_OK;
}

static NrStatus only(uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)request, (void)payload;
    answer_wrong(sid);
    return NR_OK;
}

FIXTURE_EXPORT("fixture_wrong_sid", {"/wrong", wrong}, {"/only", only})
