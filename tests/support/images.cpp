// SPDX-License-Identifier: Apache-2.0
#include "tests/support/images.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace mote::testing {

uint32_t Random::UpTo(uint32_t limit) {
  const uint32_t bits = Below(static_cast<uint64_t>(std::bit_width(limit)) + 1);
  return std::min(limit, Below(uint64_t{1} << bits));
}

Bytes RandomBytes(Random& random, size_t size) {
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next() >> 32);
  return bytes;
}

Bytes CodeLikeBytes(Random& random, size_t size) {
  uint32_t vocabulary[64];
  for (uint32_t& word : vocabulary) word = static_cast<uint32_t>(random.Next());
  uint32_t address = 0x08000000 + random.Below(1 << 20) * 4;
  Bytes bytes;
  const auto put = [&](uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8)
      bytes.push_back(static_cast<uint8_t>(word >> shift));
  };
  while (bytes.size() < size) {
    const uint32_t choice = random.Below(100);
    if (choice < 70) {
      put(vocabulary[random.Below(64)]);
    } else if (choice < 85) {
      put(address += 4 * random.Below(64));
    } else if (choice < 98) {
      put(static_cast<uint32_t>(random.Next()));
    } else {
      bytes.insert(bytes.end(), random.UpTo(300), choice == 98 ? 0x00 : 0xFF);
    }
  }
  bytes.resize(size);
  return bytes;
}

void ApplyEdit(Random& random, Edit edit, size_t limit, Bytes& image) {
  const size_t size = image.size();
  const size_t from = random.Below(size + 1);
  const size_t length = random.UpTo(static_cast<uint32_t>(size - from));
  const auto begin = image.begin() + static_cast<ptrdiff_t>(from);
  const auto end = begin + static_cast<ptrdiff_t>(length);
  switch (edit) {
    case Edit::kInsert: {
      const Bytes bytes = RandomBytes(random, random.UpTo(2000));
      image.insert(begin, bytes.begin(), bytes.end());
      break;
    }
    case Edit::kDelete:
      image.erase(begin, end);
      break;
    case Edit::kMove: {
      const Bytes bytes(begin, end);
      image.erase(begin, end);
      image.insert(image.begin() + random.Below(image.size() + 1), bytes.begin(), bytes.end());
      break;
    }
    case Edit::kSwap:
      std::rotate(begin, begin + random.Below(length + 1), end);
      break;
    case Edit::kRepeat: {
      const Bytes bytes(begin, begin + static_cast<ptrdiff_t>(std::min<size_t>(length, 500)));
      for (uint32_t n = random.Below(20); n != 0 && image.size() + bytes.size() <= limit; --n) {
        image.insert(image.begin() + static_cast<ptrdiff_t>(from), bytes.begin(), bytes.end());
      }
      break;
    }
    default: {
      const auto constant = static_cast<uint8_t>(random.Next());
      const size_t step = size_t{4} << random.Below(5);
      for (size_t at = from; at < from + length; at += step)
        image[at] = static_cast<uint8_t>(image[at] + constant);
    }
  }
  if (image.size() > limit) image.resize(limit);
}

Bytes Edited(Random& random, Bytes image, int count, size_t limit) {
  for (; count > 0; --count) {
    ApplyEdit(random, static_cast<Edit>(random.Below(static_cast<uint64_t>(Edit::kCount))), limit,
              image);
  }
  return image;
}

const char* EditKindName(int kind) {
  constexpr const char* kNames[] = {"insert", "delete",         "move", "swap",
                                    "repeat", "shift_constant", "mixed"};
  static_assert(std::size(kNames) == kEditKinds);
  return kNames[kind];
}

EditedPair MakeEditedPair(Random& random, int kind, int i) {
  const uint32_t limit = i % 25 == 0 ? 40'000 : 6'000;
  const uint32_t size = random.Below(limit);
  const Bytes old_image = i % 5 == 0 ? RandomBytes(random, size) : CodeLikeBytes(random, size);
  const int count = 1 + static_cast<int>(random.Below(8));
  if (kind == static_cast<int>(Edit::kCount)) {
    return {old_image, Edited(random, old_image, count, limit)};
  }
  Bytes new_image = old_image;
  for (int n = 0; n < count; ++n) ApplyEdit(random, static_cast<Edit>(kind), limit, new_image);
  return {old_image, new_image};
}

Bytes Hex(std::string_view text) {
  Bytes bytes;
  int high = -1;
  for (char c : text) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) throw std::invalid_argument("not a hexadecimal digit");
    if (high >= 0) bytes.push_back(static_cast<uint8_t>(high << 4 | digit));
    high = high < 0 ? digit : -1;
  }
  if (high >= 0) throw std::invalid_argument("half a byte is left over");
  return bytes;
}

Bytes FromText(std::string_view text) { return {text.begin(), text.end()}; }

Bytes ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::filesystem::path& path, std::span<const uint8_t> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace mote::testing
