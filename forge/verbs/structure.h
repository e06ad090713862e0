/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure ACTION: one row of the table in structure.c and one function here.
 */
#ifndef FORGE_VERBS_STRUCTURE_H
#define FORGE_VERBS_STRUCTURE_H

#include <stdio.h>

#include "forge/verbs/verb.h"
#include "sparse/graph/structure.h"

verb_function structure_list, structure_show, structure_add, structure_edit, structure_rm, structure_export,
    structure_import, structure_history, structure_serve;

#endif
