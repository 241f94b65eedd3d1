// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/**
 * A member of a C struct, as BTF describes it.
 *
 * @param name the C name
 * @param offset octets from the start of the struct
 * @param size octets
 */
public record StructMember(String name, int offset, int size) {}
