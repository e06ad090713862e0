/* SPDX-License-Identifier: Apache-2.0
 *
 * A database of an older version under the rules of today: hashes made anew where defaults were written out, names that
 * are none any more given another, and what turns out to be one structure kept once. Each change is said on stderr.
 */
#ifndef FORGE_CATALOG_CATALOG_RENEW_H
#define FORGE_CATALOG_CATALOG_RENEW_H

#include "forge/catalog/store/store.h"

int catalog_renew(struct store *store, struct reason *why);

#endif
