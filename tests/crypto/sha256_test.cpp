// SPDX-License-Identifier: Apache-2.0
// SHA-256 as devices take it (BearSSL behind mote's Hash), compiled for the host: against published
// vectors and libsodium.
#include "crypto/sha256_bearssl.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "diff/sha256.h"
#include "tests/support/images.h"

namespace mote::testing {
namespace {

// In pieces of `chunk` bytes.
std::string BearsslHex(std::span<const uint8_t> data, size_t chunk) {
  br_sha256_context context;
  const Hash hash = BearsslSha256(&context);
  for (size_t at = 0; at < data.size(); at += chunk) {
    const size_t size = std::min(chunk, data.size() - at);
    hash.update(hash.context, data.data() + at, static_cast<uint32_t>(size));
  }
  uint8_t digest[br_sha256_SIZE];
  br_sha256_out(&context, digest);
  std::string hex;
  for (const uint8_t byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::string SodiumHex(std::span<const uint8_t> data) {
  Sha256 sha256;
  sha256.Update(data);
  std::string hex;
  for (const uint8_t byte : sha256.Finish()) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// NIST, "Descriptions of SHA-256, SHA-384, and SHA-512" (the examples of FIPS 180), and the empty
// message of the CAVP's SHA256ShortMsg.
TEST(BearsslSha256, PublishedVectors) {
  const std::pair<Bytes, std::string_view> vectors[] = {
      {{}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {FromText("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {FromText("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {Bytes(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& [message, digest] : vectors) {
    for (const size_t chunk : {1, 3, 63, 64, 65, 4096}) {
      EXPECT_EQ(BearsslHex(message, chunk), digest)
          << message.size() << " bytes in pieces of " << chunk;
    }
  }
}

// As agent/ calls it: any number of digests, one after the other, on one state.
TEST(BearsslSha256, Functions) {
  Random random(3);
  br_sha256_context context;
  const Sha256Functions sha256 = BearsslSha256Functions(&context);
  for (int i = 0; i < 50; ++i) {
    const Bytes message = RandomBytes(random, random.Below(500));
    const uint32_t size = static_cast<uint32_t>(message.size()), kept = size / 64 * 64;
    uint8_t digest[kDigestSize];
    sha256.start(sha256.context);
    sha256.update(sha256.context, message.data(), kept);
    uint8_t state[kHashStateSize];
    sha256.save(sha256.context, state);
    sha256.update(sha256.context, message.data() + kept, size - kept);
    sha256.finish(sha256.context, digest);
    EXPECT_TRUE(std::ranges::equal(digest, Sha256::Of(message))) << size;

    std::ranges::fill(digest, 0);
    sha256.restore(sha256.context, state, kept);
    sha256.update(sha256.context, message.data() + kept, size - kept);
    sha256.finish(sha256.context, digest);
    EXPECT_TRUE(std::ranges::equal(digest, Sha256::Of(message))) << size;
  }
}

// Between two blocks its state may be kept and gone on from: CHECKPOINT.md.
TEST(BearsslSha256, GoesOn) {
  Random random(2);
  const Bytes message = RandomBytes(random, 1000);
  for (uint32_t kept = 0; kept <= 960; kept += 64) {
    br_sha256_context before, after;
    const Hash first = BearsslSha256(&before);
    if (kept != 0) first.update(first.context, message.data(), kept);
    uint8_t state[kHashStateSize];
    const HashState from = BearsslSha256State(&before), to = BearsslSha256State(&after);
    from.save(from.context, state);
    to.restore(to.context, state, kept);
    const Hash second = {first.update, &after};
    second.update(second.context, message.data() + kept, 1000 - kept);
    uint8_t digest[br_sha256_SIZE];
    br_sha256_out(&after, digest);
    EXPECT_TRUE(std::ranges::equal(digest, Sha256::Of(message))) << kept;
  }
}

TEST(BearsslSha256, AgreesWithLibsodium) {
  Random random(1);
  for (size_t size = 0; size <= 200; ++size) {  // all places of the padding in a block, three times
    const Bytes message = RandomBytes(random, size);
    EXPECT_EQ(BearsslHex(message, 7), SodiumHex(message)) << size;
  }
  const Bytes image = RandomBytes(random, 300'000);
  EXPECT_EQ(BearsslHex(image, 4096), SodiumHex(image));
}

}  // namespace
}  // namespace mote::testing
