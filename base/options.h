/* SPDX-License-Identifier: Apache-2.0
 *
 * A verb's options as one table: it drives getopt_long(), checks ranges, and prints --help.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_FLAG,  /* bool */
    OPTION_TEXT,  /* const char * */
    OPTION_COUNT, /* uint64_t */
    OPTION_REAL,  /* double */
    OPTION_LIST,  /* struct option_list: may be given again and again */
};

enum { OPTION_LIST_MAX = 128 };

/* Several options may have one list: then it has the order in which they were given. */
struct option_list {
    const char *words[OPTION_LIST_MAX];
    unsigned char rows[OPTION_LIST_MAX]; /* which row of the table gave the word */
    size_t count;
};

/* A word that stands for a number that is found otherwise. */
struct option_word {
    const char *text;
    bool *said; /* set when it is given */
};

struct option_row {
    const char *name;
    char letter; /* 0: none */
    bool below;  /* a number is less than `max`, not equal */
    enum option_type type;
    void *value;
    const char *argument; /* what stands for the value in --help */
    const char *help;
    double min, max;                /* of a number; most 0: unbounded */
    bool *given;                    /* set when the option occurs; may be NULL */
    const struct option_word *word; /* that a real number may be instead; may be NULL */
};

enum { OPTION_ROWS_MAX = 72 };

struct option_table {
    struct option_row rows[OPTION_ROWS_MAX];
    size_t count;
};

/* Each appends a row and returns it, for who wants to say more (below, given). */
struct option_row *option_flag(struct option_table *table, const char *name, char letter, bool *value,
                               const char *help);
struct option_row *option_text(struct option_table *table, const char *name, char letter, const char **value,
                               const char *argument, const char *help);
struct option_row *option_count(struct option_table *table, const char *name, char letter, uint64_t *value,
                                const char *argument, const char *help, double min, double max);
struct option_row *option_real(struct option_table *table, const char *name, char letter, double *value,
                               const char *argument, const char *help, double min, double max);
struct option_row *option_list(struct option_table *table, const char *name, struct option_list *value,
                               const char *argument, const char *help);

struct usage {
    const char *verb;      /* "build" */
    const char *arguments; /* "MODEL --data PATH [options]" */
    const char *summary;   /* one paragraph */
    const char *examples;  /* whole lines; may be NULL */
};

/* What the rest of the command line may be. */
struct operands {
    char **words;
    size_t count, min, max;
    const char *what; /* "MODEL", for the message when one is missing */
};

/* Reads argv[1 …]. What is no option goes to operands->words; option values point into argv. True: go on. False: the
 * verb ends with *status, after --help was printed on stdout or one sentence on stderr. */
bool options_read(const struct usage *usage, const struct option_table *table, int argc, char **argv,
                  struct operands *operands, int *status);

/* One word as text: a whole number in decimal (no sign, at most 2^63 - 1), a finite real number. */
bool parse_count(const char *text, uint64_t *out);
bool parse_real(const char *text, double *out);
/* NAME=AMOUNT, where the amount is such a number. */
bool parse_amount(const char *word, const char *name, double *out);

#endif
