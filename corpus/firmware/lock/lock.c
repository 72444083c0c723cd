// SPDX-License-Identifier: Apache-2.0
// Door lock on Mbed TLS: reads frames from a reader, checks the issuer's ECDSA signature of a badge, answers under
// AES-CCM, and keeps an audit chain of SHA-256 hashes in flash.
// Variants: OPEN_SECONDS (a constant), ADD_SCHEDULE (one function more, in the middle of the image).
#include <mbedtls/ccm.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/hmac_drbg.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

#ifndef OPEN_SECONDS
#define OPEN_SECONDS 5
#endif
#ifdef ADD_SCHEDULE
#define FW_VERSION "1.9.0"
#else
#define FW_VERSION "1.8.2"
#endif

enum { kBadgeIdSize = 8, kHashSize = 32, kNonceSize = 12, kTagSize = 8, kEvents = 64, kMaxRevoked = 16 };

enum FrameType { kHello = 1, kBadge = 2, kStatus = 3, kRevoke = 4, kReadAudit = 5, kError = 0x7f };

enum EventType { kOpened = 1, kRefusedSignature, kRefusedExpired, kRefusedRevoked, kRefusedSchedule, kRevoked, kReset };

struct Badge {
  uint8_t id[kBadgeIdSize];
  uint32_t valid_from, valid_to;  // hours since the lock's epoch
  uint32_t schedule;              // one bit for each hour of the day
  uint8_t signature_size;
  uint8_t signature[72];
};

struct Event {
  uint32_t time;
  uint8_t type;
  uint8_t id[kBadgeIdSize];
  uint8_t hash[kHashSize];
};

// The public key of RFC 6979, A.2.5: an example, like the AES key of FIPS 197 below.
static const uint8_t issuer_key[65] = {
    0x04, 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31, 0xc9, 0x61, 0xeb, 0x74, 0xc6, 0x35, 0x6d, 0x68,
    0xc0, 0x49, 0xb8, 0x92, 0x3b, 0x61, 0xfa, 0x6c, 0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6, 0x79,
    0x03, 0xfe, 0x10, 0x08, 0xb8, 0xbc, 0x99, 0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc, 0x64, 0xf2, 0xf1,
    0xb2, 0x0c, 0x2d, 0x7e, 0x9f, 0x51, 0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99};

static const uint8_t reader_key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                       0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};

static struct Event events[kEvents];
static unsigned event_count;
static uint8_t revoked[kMaxRevoked][kBadgeIdSize];
static unsigned revoked_count;
static uint8_t chain[kHashSize];
static uint32_t open_until, hours_offset;
static mbedtls_hmac_drbg_context random_context;
static mbedtls_ecp_group group;
static mbedtls_ecp_point issuer;

static uint32_t Hours(void) { return board_millis() / 3600000 + hours_offset; }

static void Hash(const void* data, size_t size, uint8_t hash[kHashSize]) { mbedtls_sha256(data, size, hash, 0); }

static void Audit(enum EventType type, const uint8_t* id) {
  struct Event* event = &events[event_count % kEvents];
  memset(event, 0, sizeof *event);
  event->time = board_millis();
  event->type = (uint8_t)type;
  if (id) memcpy(event->id, id, kBadgeIdSize);
  uint8_t joined[2 * kHashSize];
  memcpy(joined, chain, kHashSize);
  Hash(event, offsetof(struct Event, hash), joined + kHashSize);
  Hash(joined, sizeof joined, chain);
  memcpy(event->hash, chain, kHashSize);
  uint32_t offset = event_count * 64 % board_flash_size();
  if (offset % 2048 == 0) board_flash_erase(offset);
  board_flash_write(offset, event, sizeof *event);
  ++event_count;
}

static int Entropy(void* context, unsigned char* to, size_t size) {
  (void)context;
  for (size_t i = 0; i < size; ++i) to[i] = (unsigned char)board_random();
  return 0;
}

static int Setup(void) {
  mbedtls_hmac_drbg_init(&random_context);
  mbedtls_ecp_group_init(&group);
  mbedtls_ecp_point_init(&issuer);
  const mbedtls_md_info_t* sha = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
  int status = mbedtls_hmac_drbg_seed(&random_context, sha, Entropy, NULL, (const uint8_t*)"lock", 4);
  if (!status) status = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
  if (!status) status = mbedtls_ecp_point_read_binary(&group, &issuer, issuer_key, sizeof issuer_key);
  if (!status) status = mbedtls_ecp_check_pubkey(&group, &issuer);
  return status;
}

// A signature is r and s, each a DER integer inside a sequence.
static int ReadSignature(const struct Badge* badge, mbedtls_mpi* r, mbedtls_mpi* s) {
  const uint8_t* at = badge->signature;
  const uint8_t* end = at + badge->signature_size;
  if (badge->signature_size < 8 || badge->signature_size > sizeof badge->signature) return -1;
  if (at[0] != 0x30 || at[1] + 2 != badge->signature_size) return -1;
  at += 2;
  for (int i = 0; i < 2; ++i) {
    if (end - at < 2 || at[0] != 2 || at[1] > end - at - 2) return -1;
    if (mbedtls_mpi_read_binary(i ? s : r, at + 2, at[1])) return -1;
    at += 2 + at[1];
  }
  return at == end ? 0 : -1;
}

static int SignatureHolds(const struct Badge* badge) {
  mbedtls_mpi r, s;
  uint8_t hash[kHashSize];
  mbedtls_mpi_init(&r);
  mbedtls_mpi_init(&s);
  Hash(badge, offsetof(struct Badge, signature_size), hash);
  int status = ReadSignature(badge, &r, &s);
  if (!status) status = mbedtls_ecdsa_verify(&group, hash, sizeof hash, &issuer, &r, &s);
  mbedtls_mpi_free(&r);
  mbedtls_mpi_free(&s);
  return status == 0;
}

static int IsRevoked(const uint8_t* id) {
  for (unsigned i = 0; i < revoked_count; ++i) {
    if (!memcmp(revoked[i], id, kBadgeIdSize)) return 1;
  }
  return 0;
}

#ifdef ADD_SCHEDULE
// A badge opens only in the hours of the day its schedule names; an empty schedule means always.
static int InSchedule(const struct Badge* badge) {
  uint32_t hour = Hours() % 24;
  if (badge->schedule == 0) return 1;
  for (uint32_t grace = 0; grace < 2; ++grace) {
    if (badge->schedule & (1u << ((hour + 24 - grace) % 24))) {
      if (grace) printf("badge admitted in the hour of grace\n");
      return grace == 0 || board_millis() % 3600000 < 600000;
    }
  }
  return 0;
}
#endif

static enum EventType Decide(const struct Badge* badge) {
  uint32_t now = Hours();
  if (IsRevoked(badge->id)) return kRefusedRevoked;
  if (now < badge->valid_from || now > badge->valid_to) return kRefusedExpired;
#ifdef ADD_SCHEDULE
  if (!InSchedule(badge)) return kRefusedSchedule;
#endif
  if (!SignatureHolds(badge)) return kRefusedSignature;
  return kOpened;
}

static void Open(void) {
  board_output(3, 1);
  open_until = board_millis() + OPEN_SECONDS * 1000;
}

// Frames of the reader: type, nonce, AES-CCM of the payload, tag.
static int OpenFrame(uint8_t* frame, int size, uint8_t* payload) {
  mbedtls_ccm_context ccm;
  int payload_size = size - 1 - kNonceSize - kTagSize;
  if (payload_size < 0) return -1;
  mbedtls_ccm_init(&ccm);
  int status = mbedtls_ccm_setkey(&ccm, MBEDTLS_CIPHER_ID_AES, reader_key, 128);
  if (!status) {
    status = mbedtls_ccm_auth_decrypt(&ccm, (size_t)payload_size, frame + 1, kNonceSize, frame, 1,
                                      frame + 1 + kNonceSize, payload, frame + size - kTagSize, kTagSize);
  }
  mbedtls_ccm_free(&ccm);
  return status ? -1 : payload_size;
}

static void SendFrame(uint8_t type, const void* payload, size_t size) {
  static uint8_t frame[256];
  mbedtls_ccm_context ccm;
  if (size > sizeof frame - 1 - kNonceSize - kTagSize) return;
  frame[0] = type;
  mbedtls_hmac_drbg_random(&random_context, frame + 1, kNonceSize);
  mbedtls_ccm_init(&ccm);
  int status = mbedtls_ccm_setkey(&ccm, MBEDTLS_CIPHER_ID_AES, reader_key, 128);
  if (!status) {
    status = mbedtls_ccm_encrypt_and_tag(&ccm, size, frame + 1, kNonceSize, frame, 1, payload, frame + 1 + kNonceSize,
                                         frame + 1 + kNonceSize + size, kTagSize);
  }
  mbedtls_ccm_free(&ccm);
  if (status) {
    printf("cannot seal a frame: -0x%04x\n", (unsigned)-status);
  } else {
    board_frame_write(frame, (uint32_t)(1 + kNonceSize + size + kTagSize));
  }
}

static void HandleBadge(const uint8_t* payload, int size) {
  struct Badge badge;
  if (size != sizeof badge) {
    SendFrame(kError, "badge size", 10);
    return;
  }
  memcpy(&badge, payload, sizeof badge);
  enum EventType result = Decide(&badge);
  Audit(result, badge.id);
  if (result == kOpened) Open();
  uint8_t answer[1 + kHashSize] = {(uint8_t)result};
  memcpy(answer + 1, chain, kHashSize);
  SendFrame(kBadge, answer, sizeof answer);
}

static void HandleRevoke(const uint8_t* payload, int size) {
  for (; size >= kBadgeIdSize; size -= kBadgeIdSize, payload += kBadgeIdSize) {
    if (IsRevoked(payload)) continue;
    if (revoked_count == kMaxRevoked) {
      SendFrame(kError, "revocation list full", 20);
      return;
    }
    memcpy(revoked[revoked_count++], payload, kBadgeIdSize);
    Audit(kRevoked, payload);
  }
  SendFrame(kRevoke, &revoked_count, sizeof revoked_count);
}

static void HandleFrame(uint8_t* frame, int size) {
  static uint8_t payload[256];
  int payload_size = OpenFrame(frame, size, payload);
  if (payload_size < 0) {
    printf("frame of %d bytes refused\n", size);
    return;
  }
  switch (frame[0]) {
    case kHello:
      if (payload_size == 4) memcpy(&hours_offset, payload, 4);
      SendFrame(kHello, FW_VERSION, sizeof FW_VERSION);
      break;
    case kBadge:
      HandleBadge(payload, payload_size);
      break;
    case kStatus: {
      uint32_t status[4] = {board_millis(), event_count, revoked_count, (uint32_t)board_adc(0)};
      SendFrame(kStatus, status, sizeof status);
      break;
    }
    case kRevoke:
      HandleRevoke(payload, payload_size);
      break;
    case kReadAudit:
      if (payload_size >= 1) SendFrame(kReadAudit, &events[payload[0] % kEvents], sizeof events[0]);
      break;
    default:
      SendFrame(kError, "unknown frame", 13);
  }
}

static void RunCommand(const char* line) {
  static const char* const names[] = {"?", "opened", "bad signature", "expired", "revoked badge", "out of hours",
                                      "revocation", "reset"};
  if (!strcmp(line, "audit")) {
    unsigned first = event_count > kEvents ? event_count - kEvents : 0;
    for (unsigned i = first; i < event_count; ++i) {
      const struct Event* event = &events[i % kEvents];
      printf("%5u %10u %-14s ", i, (unsigned)event->time, names[event->type & 7]);
      for (int b = 0; b < kBadgeIdSize; ++b) printf("%02x", event->id[b]);
      printf("\n");
    }
  } else if (!strcmp(line, "status")) {
    printf("lock " FW_VERSION ", %u events, %u revoked badges, hour %u\n", event_count, revoked_count,
           (unsigned)Hours());
  } else {
    printf("commands: audit status\n");
  }
}

int main(void) {
  static uint8_t frame[256];
  static char line[40];
  unsigned used = 0;
  int status = Setup();
  printf("lock " FW_VERSION ": %s\n", status ? "no keys, closed for good" : "ready");
  Audit(kReset, NULL);
  for (;;) {
    int size = board_frame_read(frame, sizeof frame);
    if (size > 0 && !status) HandleFrame(frame, size);
    if (open_until && (int32_t)(board_millis() - open_until) >= 0) {
      open_until = 0;
      board_output(3, 0);
    }
    if (board_line(line, sizeof line, &used)) RunCommand(line);
  }
}
