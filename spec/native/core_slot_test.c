/* The machine of a sid: every input in every state, applied to real slots, and what it leads to. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core_support.h"

static core_t core;
static played_t *played;

/* A slot brought into a state. */
typedef struct subject {
    uint64_t sid;
    nr_stream_t *stream;
    NrBufferLease lease;
} subject_t;

static subject_t open_unary(void) {
    subject_t subject = {.sid = core_call(played, NULL, 0)};
    return subject;
}

static subject_t open_stream(void) {
    subject_t subject = {.stream = core_stream(played, NULL)};
    subject.sid = nr_stream_sid(subject.stream);
    return subject;
}

static subject_t make(nr__state_t state, int stream) {
    subject_t subject = stream ? open_stream() : open_unary();

    switch (state) {
    case NR__DONE:
        core_send(played, subject.sid, NR_STREAM_END, "");
        core_poll(&core);
        break;
    case NR__DROPPED:
        nr__pending_give_up(core.worker, subject.sid, NR_E_CANCELLED, 1);
        break;
    case NR__ANSWERED:
        core_send(played, subject.sid, NR_STREAM_END, "");
        break;
    case NR__GIVEN_UP: /* only a stream can be in the mailbox while it is open */
        nr_stream_wait(subject.stream, &core);
        core_send(played, subject.sid, NR_OK, "frame");
        nr__pending_give_up(core.worker, subject.sid, NR_E_CANCELLED, 1);
        break;
    case NR__PARKED:
        if (stream) {
            nr__host_ext.set_state(&played->image, subject.sid, core_str("k"), core_bytes("v"));
            nr__host_ext.get_state(&played->image, subject.sid, core_str("k"));
        } else {
            subject.lease = nr__host_vtable2.acquire_result_buffer(&played->image, subject.sid, 8);
            assert_non_null(subject.lease.ptr);
        }
        nr__pending_give_up(core.worker, subject.sid, NR_E_CANCELLED, 1);
        break;
    default:
        break;
    }
    assert_int_equal(core_state(subject.sid), state);
    return subject;
}

/* What the plugin sees and what is counted. */
typedef enum seen { OK, LATE, PAID, DUPLICATE, GRANTED, ENDED } seen_t;

typedef struct counters {
    uint64_t late, duplicate, unknown, owed;
} counters_t;

static counters_t counters(void) {
    counters_t now = {played->image.late, played->image.duplicate, played->image.unknown,
                      played->image.owed};
    return now;
}

static void assert_counted(counters_t before, seen_t seen) {
    counters_t now = counters();

    assert_int_equal(now.late - before.late, seen == LATE || seen == PAID);
    assert_int_equal(now.duplicate - before.duplicate, seen == DUPLICATE);
    assert_int_equal(now.unknown - before.unknown, 0);
    assert_int_equal(before.owed - now.owed, seen == PAID);
}

/* Applies a plugin's input; 1 when it was taken. */
static int apply(nr__input_t input, const subject_t *subject) {
    switch (input) {
    case NR__IN_FRAME:
        return core_send2(played, subject->sid, NR_OK, "frame") == NR_OK;
    case NR__IN_ANSWER:
        return core_send2(played, subject->sid, NR_STREAM_END, "end") == NR_OK;
    case NR__IN_COMMIT:
        return nr__host_vtable2.commit_result_buffer(&played->image, subject->sid, NR_OK,
                                                     subject->lease.token, 3) == NR_OK;
    default:
        return nr__host_ext.set_state(&played->image, subject->sid, core_str("x"), core_bytes("y"))
                   .len == 0;
    }
}

static void clean(subject_t *subject) {
    if (subject->stream != NULL) {
        nr_stream_close(subject->stream);
    }
    nr__pending_give_up(core.worker, subject->sid, NR_E_CANCELLED, 1);
    core_poll(&core);
    nr__worker_release_parked(core.worker, &played->image);
    core_poll(&core);
    assert_true(core_state(subject->sid) == NR__DONE || core_state(subject->sid) == NR__DROPPED);
    assert_int_equal(nr_worker_pending(core.worker), 0);
}

typedef struct row {
    nr__state_t state;
    nr__input_t input;
    seen_t seen;
    nr__state_t next;
} row_t;

static const row_t plugin_rows[] = {
    {NR__DONE, NR__IN_FRAME, DUPLICATE, NR__DONE},
    {NR__DONE, NR__IN_ANSWER, DUPLICATE, NR__DONE},
    {NR__DONE, NR__IN_COMMIT, DUPLICATE, NR__DONE},
    {NR__DONE, NR__IN_HOLD, ENDED, NR__DONE},
    {NR__DROPPED, NR__IN_FRAME, LATE, NR__DROPPED},
    {NR__DROPPED, NR__IN_ANSWER, PAID, NR__DONE},
    {NR__DROPPED, NR__IN_COMMIT, PAID, NR__DONE},
    {NR__DROPPED, NR__IN_HOLD, ENDED, NR__DROPPED},
    {NR__OPEN, NR__IN_FRAME, OK, NR__OPEN},
    {NR__OPEN, NR__IN_ANSWER, OK, NR__ANSWERED},
    {NR__OPEN, NR__IN_COMMIT, OK, NR__ANSWERED},
    {NR__OPEN, NR__IN_HOLD, GRANTED, NR__OPEN},
    {NR__ANSWERED, NR__IN_FRAME, DUPLICATE, NR__ANSWERED},
    {NR__ANSWERED, NR__IN_ANSWER, DUPLICATE, NR__ANSWERED},
    {NR__ANSWERED, NR__IN_COMMIT, DUPLICATE, NR__ANSWERED},
    {NR__ANSWERED, NR__IN_HOLD, ENDED, NR__ANSWERED},
    {NR__GIVEN_UP, NR__IN_FRAME, LATE, NR__GIVEN_UP},
    {NR__GIVEN_UP, NR__IN_ANSWER, PAID, NR__ANSWERED},
    {NR__GIVEN_UP, NR__IN_COMMIT, LATE, NR__GIVEN_UP},
    {NR__GIVEN_UP, NR__IN_HOLD, ENDED, NR__GIVEN_UP},
    {NR__PARKED, NR__IN_FRAME, LATE, NR__PARKED},
    {NR__PARKED, NR__IN_ANSWER, PAID, NR__ANSWERED},
    {NR__PARKED, NR__IN_COMMIT, PAID, NR__ANSWERED},
    {NR__PARKED, NR__IN_HOLD, ENDED, NR__PARKED},
};

static void visit_plugin_row(const row_t *row, int stream) {
    subject_t subject = make(row->state, stream);
    counters_t before;

    if (row->input == NR__IN_COMMIT && row->state == NR__OPEN) {
        subject.lease = nr__host_vtable2.acquire_result_buffer(&played->image, subject.sid, 8);
    }
    before = counters();
    assert_int_equal(apply(row->input, &subject), row->seen == OK || row->seen == GRANTED);
    assert_counted(before, row->seen);
    assert_int_equal(core_state(subject.sid), row->next);
    clean(&subject);
}

/* A unary has no frames that do not end it; a stream has no leases; only streams are given up while
 * they are in the mailbox. */
static int exists(const row_t *row, int stream) {
    if (stream) {
        return row->input != NR__IN_COMMIT;
    }
    return row->input != NR__IN_FRAME && row->state != NR__GIVEN_UP;
}

static void a_plugins_input_in_every_state(void **state) {
    int visited = 0;

    (void)state;
    for (size_t i = 0; i < sizeof plugin_rows / sizeof *plugin_rows; i++) {
        for (int stream = 0; stream < 2; stream++) {
            if (exists(&plugin_rows[i], stream)) {
                visit_plugin_row(&plugin_rows[i], stream);
                visited++;
            }
        }
    }
    assert_int_equal(visited, 33);
}

/* 1 when the machine ends the process rather than take this input. */
static int stops(uint64_t word, nr__input_t input) {
    int status;
    pid_t child = fork();

    if (child == 0) {
        fclose(stderr);
        nr__slot_step(word, input);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* The loop's inputs: what they lead to, or -1 where they can not come. */
static const int loop_rows[NR__STATES][8] = {
    /*              OPEN     GIVE_UP      _MAIL         _HELD       POP        TAKE    GONE FORGET
     */
    [NR__DONE] = {NR__OPEN, NR__DONE, -1, -1, -1, -1, NR__DONE, NR__DONE},
    [NR__DROPPED] = {-1, NR__DROPPED, -1, -1, -1, -1, NR__DROPPED, NR__DONE},
    [NR__OPEN] = {-1, NR__DROPPED, NR__GIVEN_UP, NR__PARKED, NR__OPEN, -1, NR__OPEN, -1},
    [NR__ANSWERED] = {-1, NR__DONE, NR__ANSWERED, -1, NR__DONE, NR__DONE, NR__ANSWERED, -1},
    [NR__GIVEN_UP] = {-1, -1, NR__GIVEN_UP, -1, NR__DROPPED, -1, NR__GIVEN_UP, -1},
    [NR__PARKED] = {-1, NR__PARKED, NR__PARKED, NR__PARKED, NR__PARKED, -1, NR__GIVEN_UP, -1},
};

static void the_loops_input_in_every_state(void **state) {
    static const nr__input_t inputs[8] = {NR__IN_OPEN,         NR__IN_GIVE_UP, NR__IN_GIVE_UP_MAIL,
                                          NR__IN_GIVE_UP_HELD, NR__IN_POP,     NR__IN_TAKE,
                                          NR__IN_GONE,         NR__IN_FORGET};

    (void)state;
    for (int from = 0; from < NR__STATES; from++) {
        for (int i = 0; i < 8; i++) {
            uint64_t word = UINT64_C(77) << 28 | 5 << 8 | (uint64_t)from | NR__MAILED;

            if (loop_rows[from][i] < 0) {
                assert_true(stops(word, inputs[i]));
                continue;
            }
            assert_int_equal(nr__slot_step(word | NR__CLAIMED, inputs[i]),
                             (word & ~NR__STATE_MASK) | (uint64_t)loop_rows[from][i]);
        }
    }
}

static void a_plugins_input_never_passes_for_the_loops(void **state) {
    (void)state;
    for (nr__input_t input = NR__IN_FRAME; input <= NR__IN_HOLD; input++) {
        assert_true(stops(UINT64_C(1) << 28 | NR__OPEN, input));
    }
}

static void giving_up_goes_where_the_slot_allows(void **state) {
    subject_t subject;

    (void)state;
    subject = make(NR__ANSWERED, 0); /* an answer in the mailbox waits for its mail */
    assert_int_equal(nr_call_cancel(core.worker, subject.sid), 0);
    assert_int_equal(core_state(subject.sid), NR__ANSWERED);
    assert_int_equal(nr_call_cancel(core.worker, subject.sid), NR_E_CANCELLED);
    core_poll(&core);
    assert_int_equal(core_state(subject.sid), NR__DONE);

    subject = make(NR__GIVEN_UP, 1);
    core_poll(&core);
    assert_int_equal(core_state(subject.sid), NR__DROPPED);
    clean(&subject);

    subject = make(NR__PARKED, 0); /* parked until the late answer */
    core_poll(&core);
    assert_int_equal(core_state(subject.sid), NR__PARKED);
    core_send(played, subject.sid, NR_OK, "late");
    core_poll(&core);
    assert_int_equal(core_state(subject.sid), NR__DONE);

    subject = make(NR__PARKED, 1); /* or until the image is gone */
    nr__worker_release_parked(core.worker, &played->image);
    assert_int_equal(core_state(subject.sid), NR__DROPPED);
    clean(&subject);
    assert_int_equal(core.events_len, 1); /* only the stream's reader was to be told */
    assert_int_equal(core.events[0].kind, NR_EVENT_READABLE);
}

static void a_stale_sid_is_told_by_its_generation(void **state) {
    subject_t old = make(NR__DONE, 0), young = make(NR__OPEN, 0);
    counters_t before = counters();

    (void)state;
    assert_int_equal((uint32_t)old.sid & 0xfffff, (uint32_t)young.sid & 0xfffff);
    assert_int_not_equal(old.sid, young.sid);
    core_send(played, old.sid, NR_OK, "stale");
    assert_int_equal(counters().duplicate - before.duplicate, 1);
    core_send(played, young.sid + (UINT64_C(2) << 20), NR_OK, "of the future");
    core_send(played, young.sid & ~(UINT64_C(0xfffffffff) << 20), NR_OK, "of no generation");
    core_send(played, young.sid ^ 0xfffff, NR_OK, "of no slot");
    core_send(played, young.sid ^ UINT64_C(0xff) << 56, NR_OK, "of no worker");
    core_send(played, 0, NR_OK, "of nobody");
    assert_int_equal(counters().unknown - before.unknown, 5);
    assert_int_equal(core_state(young.sid), NR__OPEN);
    clean(&young);
}

static void only_what_is_owed_is_paid(void **state) {
    subject_t answered = make(NR__DONE, 0), open = make(NR__OPEN, 0), owed = make(NR__DROPPED, 0);
    counters_t before = counters();

    (void)state;
    assert_int_equal((answered.sid ^ open.sid) & 0xfffff, 0); /* the slot serves another use */
    assert_int_not_equal((owed.sid ^ make(NR__DROPPED, 0).sid) & 0xfffff, 0); /* this is kept */
    for (int i = 0; i < 3; i++) {
        core_send(played, answered.sid, NR_OK, "once more");
    }
    assert_int_equal(counters().owed, before.owed + 1);
    assert_int_equal(counters().duplicate, before.duplicate + 3);
    core_send(played, owed.sid, NR_OK, "late");
    core_send(played, owed.sid, NR_OK, "and once more");
    assert_int_equal(counters().owed, before.owed);
    assert_int_equal(counters().late, before.late + 1);
    assert_int_equal(counters().duplicate, before.duplicate + 4);
    clean(&open);
}

/* More than are kept: their slots serve other uses, and every one is still paid, but none twice. */
static void what_was_forgotten_is_still_owed(void **state) {
    enum { USES = 3 * NR__SLAB_OWING };
    static uint64_t sids[USES];
    counters_t before = counters();
    uint32_t fresh;

    (void)state;
    for (int i = 0; i < USES; i++) {
        sids[i] = make(NR__DROPPED, 0).sid;
        fresh = i == NR__SLAB_OWING ? core.worker->slab->fresh : fresh;
    }
    assert_int_equal(core.worker->slab->fresh, fresh); /* no slot for each */
    assert_int_equal(counters().owed, before.owed + USES);
    assert_true(played->image.forgotten >= USES - NR__SLAB_OWING - 1);
    for (int twice = 0; twice < 2; twice++) {
        for (int i = 0; i < USES; i++) {
            core_send(played, sids[i], NR_OK, "late");
        }
        assert_int_equal(counters().owed, before.owed);
        assert_int_equal(played->image.forgotten, 0);
    }
    assert_int_equal(counters().late, before.late + USES);
    assert_int_equal(counters().duplicate, before.duplicate + USES);
}

static void a_sid_of_another_image_is_unknown(void **state) {
    played_t *other = core_play(&core, NULL);
    subject_t subject = make(NR__OPEN, 0);

    (void)state;
    core_send(other, subject.sid, NR_OK, "not mine");
    assert_int_equal(other->image.unknown, 1);
    assert_int_equal(core_state(subject.sid), NR__OPEN);
    core_send(played, subject.sid, NR_OK, "mine");
    core_send(other, subject.sid, NR_OK, "still not mine");
    assert_int_equal(other->image.unknown, 2);
    core_poll(&core);
    core_send(other, subject.sid, NR_OK, "nor after it");
    assert_int_equal(other->image.unknown, 3);
    assert_int_equal(other->image.late + other->image.duplicate, 0);
    assert_int_equal(core.events_len, 1);
    assert_memory_equal(core.events[0].data, "mine", 4);
}

static void a_used_up_slot_is_retired(void **state) {
    subject_t subject = make(NR__DONE, 0), next;
    nr__slot_t *slot = nr__slot_find(subject.sid);
    uint64_t rest = nr__slot_word(slot) & ((UINT64_C(1) << 28) - 1);
    int first = 1;

    (void)state;
    atomic_store(&slot->word, (NR__GENERATION_MAX - 4) << 28 | rest);
    for (;; first = 0) {
        next = make(NR__DONE, 0);
        if (nr__slot_find(next.sid) != slot) {
            break;
        }
        assert_true((next.sid >> 20 & NR__GENERATION_MAX) <= NR__GENERATION_MAX);
    }
    assert_false(first);
    assert_true(nr__slot_generation(nr__slot_word(slot)) >= NR__GENERATION_MAX - 2);
}

static int setup(void **state) {
    (void)state;
    core_open(&core);
    played = core_play(&core, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    core_close(&core);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plugins_input_in_every_state, setup, teardown),
        cmocka_unit_test_setup_teardown(the_loops_input_in_every_state, setup, teardown),
        cmocka_unit_test(a_plugins_input_never_passes_for_the_loops),
        cmocka_unit_test_setup_teardown(giving_up_goes_where_the_slot_allows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stale_sid_is_told_by_its_generation, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_is_owed_is_paid, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_forgotten_is_still_owed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sid_of_another_image_is_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(a_used_up_slot_is_retired, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
