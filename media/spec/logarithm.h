/* SPDX-License-Identifier: Apache-2.0
 *
 * The C library picks its logarithm by the processor, and two of them differ in the last bit of a double. This one
 * adds, multiplies and divides, in one order: the same on every processor, and with every C library.
 */
#ifndef MEDIA_SPEC_LOGARITHM_H
#define MEDIA_SPEC_LOGARITHM_H

/* The natural logarithm of a finite number above 0, to 2 units in the last place. */
double portable_log(double x);

#endif
