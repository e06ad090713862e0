/* SPDX-License-Identifier: Apache-2.0
 *
 * The C library picks its exponential by the processor. This one adds, multiplies and scales by powers of two, in one
 * order: the same on every processor, and with every C library.
 */
#ifndef MEDIA_TRANSCRIPT_EXPONENTIAL_H
#define MEDIA_TRANSCRIPT_EXPONENTIAL_H

/* e^x, to 2 units in the last place; of x from -700 to 0. */
double portable_exp(double x);

#endif
