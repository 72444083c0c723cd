// SPDX-License-Identifier: Apache-2.0
// The old image, the delta, and the digest that the new image must have: files of these names,
// where the assembler looks (-Wa,-I).
asm(R"(
  .section .images, "a"
  .balign 4
  .global old_image, old_image_end, delta, delta_end, new_sha256
old_image:
  .incbin "old.bin"
old_image_end:
delta:
  .incbin "delta"
delta_end:
new_sha256:
  .incbin "new.sha256"
)");
