/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of wispd.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "base/options.h"
#include "base/outcome.h"
#include "config/config.h"

struct options {
    const char *config; /* NULL: the default path, if there is such a file */
    const char *socket;
    struct option_list models;
    const char *log_level;
    const char *user; /* --test checks as this one; NULL: as the service, where root asks */
    bool test, quiet, dump, no_tune;
};

/* Reads the command line; --help and --version are answered here. Returns -1 to go on, else an exit status. */
int options_parse(int argc, char **argv, struct options *options);

/* The configuration that the options ask for: the file, then what stands on the command line over it, then WISP_LOOP.
 * All errors of the file go to `errors`, a line each; the first is also the reason. */
int options_configure(const struct options *options, struct config *config, FILE *errors, struct reason *why);

#endif
