/* The core of the test that runs, opened before it and closed after it. Each file of tests has its
 * own. */
#ifndef CORE_FIXTURE_H
#define CORE_FIXTURE_H

#include "core_support.h"

static core_t core;

static int core_setup(void **state) {
    (void)state;
    core_open(&core);
    return 0;
}

static int core_teardown(void **state) {
    (void)state;
    assert_int_equal(nr_worker_pending(core.worker), 0);
    core_close(&core);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)

#endif
