/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the name of a model, and of a processing type, may be: in a file, in the configuration, on the wire.
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

enum { NAME_BYTES_MAX = 128 }; /* with the terminating zero */

#endif
