/* SPDX-License-Identifier: Apache-2.0
 *
 * What was found of one suspicion, and what to do about it.
 */
#ifndef CLI_DOCTOR_FINDING_H
#define CLI_DOCTOR_FINDING_H

enum verdict {
    VERDICT_GOOD,
    VERDICT_UNKNOWN, /* it cannot be seen from here */
    VERDICT_NOTE,    /* may cost something, and may be meant */
    VERDICT_BAD,
};

struct finding {
    enum verdict verdict;
    char text[320];
    char advice[320]; /* "": nothing is to be done */
};

/* Notes what was found, and what to do. */
void find(struct finding *finding, enum verdict verdict, const char *format, ...) __attribute__((format(printf, 3, 4)));
void advise(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
