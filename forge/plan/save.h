/* SPDX-License-Identifier: Apache-2.0
 *
 * Where results go: checked before the work begins, written atomically at its end, and rescued when the place is full.
 */
#ifndef FORGE_PLAN_SAVE_H
#define FORGE_PLAN_SAVE_H

#include "sparse/graph/model.h"

/* Whether `path` can be written later: its folder is there and lets us, and it is no folder itself. Catches what would
 * lose hours of training; a disk that fills up meanwhile is the business of save_model(). -errno. */
int save_check(const char *path, struct reason *why);

/* A file and what it is to somebody at the command line: an option, or what the operand is. */
struct save_file {
    const char *what, *path; /* path NULL: there is none */
};

/* That no two of `written` are one file, nor is one of them among `read`, by whatever names: WISP_E_INVALID, and says
 * which. */
int save_apart(const struct save_file *written, size_t writes, const struct save_file *read, size_t reads,
               struct reason *why);

/* What a model in this file is called when nobody says: the file's name without folder and ending. */
void save_name(const char *path, char name[MODEL_NAME_MAX]);

/* model_write(); when that fails, and `rescue` asks for it, tries $TMPDIR, /var/tmp and /tmp instead and says in the
 * reason where the model is now. Not 0 even then: `path` was not written. */
int save_model(const struct model *model, const char *path, bool rescue, struct reason *why);

#endif
