// SPDX-License-Identifier: Apache-2.0
// Two verifiers as one, for a device that takes the signatures of both.
//
//   const mote::EitherVerifier either = {mote::BearsslP256Verifier(),
//                                        mote::SodiumEd25519Verifier()};
//   config.verifier = mote::Either(&either);
#pragma once

#include "agent/signature.h"

namespace mote {

/// The first one gets the keys whose algorithm it has, the second one all others.
struct EitherVerifier {
  SignatureVerifier first;
  SignatureVerifier second;
};

inline bool VerifyEither(void* context, const PublicKey& key, const uint8_t* digest,
                         const uint8_t* signature) {
  const EitherVerifier& either = *static_cast<const EitherVerifier*>(context);
  const uint8_t algorithm = static_cast<uint8_t>(key.algorithm);
  const bool first = algorithm < 8 && (either.first.algorithms >> algorithm & 1) != 0;
  const SignatureVerifier& verifier = first ? either.first : either.second;
  return verifier.verify(verifier.context, key, digest, signature);
}

/// `either` is the caller's and stays where it is.
inline SignatureVerifier Either(const EitherVerifier* either) {
  // It comes back as const: see VerifyEither.
  return {&VerifyEither, const_cast<EitherVerifier*>(either),
          static_cast<uint8_t>(either->first.algorithms | either->second.algorithms)};
}

}  // namespace mote
