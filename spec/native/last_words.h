/* What a process that does not survive says at its end. */
#ifndef LAST_WORDS_H
#define LAST_WORDS_H

/* Runs `fn(arg)` in a child process, which then exits with 0. Answers all that it wrote on standard
 * error, valid until the next call, and in `*status` its end, as waitpid has it. */
const char *last_words(void (*fn)(const char *arg), const char *arg, int *status);

#endif
