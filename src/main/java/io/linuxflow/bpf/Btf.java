// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;

import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Pointer;

/**
 * Reads an object's type information (Documentation/bpf/btf.rst): a {@code struct btf_type} of
 * three 32-bit words, followed by three more for each member of a struct ({@code struct
 * btf_member}) or variable of a section ({@code struct btf_var_secinfo}).
 */
final class Btf {

    private static final int BTF_KIND_STRUCT = 4;
    private static final int BTF_KIND_DATASEC = 15;
    private static final int WORD = 4;
    private static final int HEADER = 3 * WORD;
    private static final int ENTRY = 3 * WORD;

    private final Pointer btf;

    Btf(Pointer btf) {
        this.btf = btf;
    }

    /** The members of a struct in the order of their offsets, null if there is no such struct. */
    List<StructMember> structMembers(String struct) {
        int id = libbpf().btf__find_by_name_kind(btf, struct, BTF_KIND_STRUCT);
        return id < 0 ? null : entries(id, Btf.this::member);
    }

    /** The variables of a section, null if there is no such section. */
    List<StructMember> variables(String section) {
        int id = libbpf().btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
        return id < 0 ? null : entries(id, Btf.this::variable);
    }

    private interface Entry {
        StructMember read(Pointer entry);
    }

    private List<StructMember> entries(int id, Entry reader) {
        Pointer type = libbpf().btf__type_by_id(btf, id);
        int count = type.getInt(WORD) & 0xffff;
        List<StructMember> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            entries.add(reader.read(type.slice(HEADER + (long) i * ENTRY, ENTRY)));
        }
        return entries;
    }

    /** {@code struct btf_member}: name, type, offset in bits (24 of them where bit fields are). */
    private StructMember member(Pointer member) {
        return new StructMember(
                name(member.getInt(0)),
                (member.getInt(2 * WORD) & 0xffffff) / Byte.SIZE,
                (int) libbpf().btf__resolve_size(btf, member.getInt(WORD)));
    }

    /** {@code struct btf_var_secinfo}: type (a BTF_KIND_VAR, which has the name), offset, size. */
    private StructMember variable(Pointer variable) {
        Pointer type = libbpf().btf__type_by_id(btf, variable.getInt(0));
        return new StructMember(
                name(type.getInt(0)), variable.getInt(WORD), variable.getInt(2 * WORD));
    }

    private String name(int offset) {
        return libbpf().btf__name_by_offset(btf, offset);
    }
}
