// SPDX-License-Identifier: Apache-2.0
/**
 * IPFIX on the wire (RFC 7011): Messages, Sets, Templates and Information Elements, read and
 * written. Pure octets in, values out, and back: no sockets, and imports nothing of ours.
 */
package io.linuxflow.ipfix;
