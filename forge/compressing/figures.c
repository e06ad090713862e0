/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/compressing/compressing.h"

static double bits_a_pixel(const struct compression_figures *f, uint64_t bytes)
{
    return 8 * (double)bytes / (double)f->pixels;
}

void compression_print(const struct compression_figures *f, FILE *to)
{
    fprintf(to,
            "files of %.4f bits a pixel: PSNR %.2f dB, SSIM %.4f, mean over %zu pictures; JPEG of %.4f bits: %.2f dB, "
            "%.4f (a difference of %+.2f dB)\n",
            bits_a_pixel(f, f->bytes), f->wisp.psnr, f->wisp.ssim, f->pictures, bits_a_pixel(f, f->jpeg_bytes),
            f->jpeg.psnr, f->jpeg.ssim, f->wisp.psnr - f->jpeg.psnr);
}

json_t *compression_json(const struct compression_figures *f)
{
    return json_pack("{s:f s:I s:f s:f s:f s:f s:f}", "bits_per_pixel", bits_a_pixel(f, f->bytes), "bytes",
                     (json_int_t)f->bytes, "psnr", f->wisp.psnr, "ssim", f->wisp.ssim, "jpeg_bits_per_pixel",
                     bits_a_pixel(f, f->jpeg_bytes), "jpeg_psnr", f->jpeg.psnr, "jpeg_ssim", f->jpeg.ssim);
}
