/* Runs a job on one of the plugin's threads, from wherever it stands. */
#ifndef SQ_RUN_H
#define SQ_RUN_H

#include "engine.h"

/* Goes on with the job until it is answered or has to be put aside. [plugin thread] */
sq_next_t sq_run(sq_engine_t *engine, sq_job_t *job);

#endif
