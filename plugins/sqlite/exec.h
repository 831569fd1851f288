/* /exec: one statement, one statement for many rows, or several statements.
 *
 * The last two are one transaction. The answer for a statement is
 *
 *     {"changes": 3, "last_insert_rowid": 42}
 *
 * with "rows": [...] where the statement returns some (RETURNING, PRAGMA). A list of statements is
 * answered with a list. `changes` counts the statement's own rows, not those of triggers;
 * `last_insert_rowid` is 0 when nothing was inserted. */
#ifndef SQ_EXEC_H
#define SQ_EXEC_H

#include "job.h"

/* Runs the job's statements on its connection and writes the answer to job->out. False: job->fault,
 * and nothing of it has happened. [plugin thread] */
bool sq_exec(sq_job_t *job);

#endif
