// SPDX-License-Identifier: Apache-2.0
// A user's program: makes a delta and applies it, with nothing but what is installed.
#include <stdint.h>
#include <stdio.h>

#include <vector>

#include "diff/apply.h"
#include "diff/diff.h"
#include "stream/updater.h"

int main() {
  std::vector<uint8_t> old_image(5000);
  for (size_t i = 0; i < old_image.size(); ++i) old_image[i] = static_cast<uint8_t>(i * i >> 7);
  std::vector<uint8_t> new_image = old_image;
  new_image.insert(new_image.begin() + 1000, 77, 0xA5);
  const std::vector<uint8_t> delta = mote::Diff(old_image, new_image, {});
  const bool same = mote::Apply(old_image, delta) == new_image && delta.size() < 200;
  printf("%zu bytes, %s, device state %zu bytes\n", delta.size(), same ? "identical" : "DIFFERENT", sizeof(mote::Updater));
  return same ? 0 : 1;
}
