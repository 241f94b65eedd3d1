// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import io.linuxflow.bpf.LibC.CStruct;
import jnr.ffi.Pointer;
import jnr.ffi.annotations.Delegate;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;

/**
 * libbpf.so.1. Names, parameters and structs are those of {@code bpf/libbpf.h}, {@code bpf/bpf.h},
 * {@code bpf/btf.h} and {@code linux/bpf.h} of libbpf 1.1.
 *
 * <p>Functions returning an int return a negative errno; functions returning a pointer return null
 * and set errno.
 */
final class LibBpf {

    static final int BPF_ANY = 0;
    static final int BPF_F_BEFORE = 1 << 3;
    static final int BPF_TCX_INGRESS = 46;
    static final int BPF_TCX_EGRESS = 47;
    static final int BPF_MAP_TYPE_ARRAY = 2;
    static final int BPF_MAP_TYPE_PERCPU_HASH = 5;
    static final int BPF_MAP_TYPE_PERCPU_ARRAY = 6;
    static final int BPF_MAP_TYPE_LRU_PERCPU_HASH = 10;
    static final int BPF_MAP_TYPE_ARRAY_OF_MAPS = 12;

    /** Characters that the kernel keeps of a name (BPF_OBJ_NAME_LEN). */
    static final int MAX_NAME = 15;

    static final int LIBBPF_WARN = 0;

    /**
     * libbpf_print_fn_t; a va_list reaches a function by reference on all 64-bit ABIs we run on.
     */
    public interface Print {
        @Delegate
        int print(int level, Pointer format, Pointer arguments);
    }

    /** ring_buffer_sample_fn. */
    public interface Sample {
        @Delegate
        int sample(Pointer context, Pointer data, long size);
    }

    /** The library. */
    public interface Functions {
        int libbpf_strerror(int error, @Out byte[] buffer, long size);

        String libbpf_version_string();

        Pointer libbpf_set_print(Print print);

        int libbpf_num_possible_cpus();

        Pointer bpf_object__open_mem(@In byte[] elf, long size, Pointer opts);

        int bpf_object__load(Pointer object);

        void bpf_object__close(Pointer object);

        Pointer bpf_object__btf(Pointer object);

        Pointer bpf_object__find_program_by_name(Pointer object, String name);

        Pointer bpf_object__next_program(Pointer object, Pointer previous);

        Pointer bpf_object__find_map_by_name(Pointer object, String name);

        Pointer bpf_object__next_map(Pointer object, Pointer previous);

        String bpf_program__name(Pointer program);

        int bpf_program__set_autoload(Pointer program, boolean autoload);

        int bpf_program__fd(Pointer program);

        String bpf_map__name(Pointer map);

        int bpf_map__fd(Pointer map);

        int bpf_map__type(Pointer map);

        int bpf_map__key_size(Pointer map);

        int bpf_map__value_size(Pointer map);

        int bpf_map__map_flags(Pointer map);

        int bpf_map__set_max_entries(Pointer map, int entries);

        int bpf_map__reuse_fd(Pointer map, int fd);

        Pointer bpf_map__initial_value(Pointer map, @Out long[] size);

        int btf__find_by_name_kind(Pointer btf, String name, int kind);

        Pointer btf__type_by_id(Pointer btf, int id);

        String btf__name_by_offset(Pointer btf, int offset);

        long btf__resolve_size(Pointer btf, int id);

        int bpf_obj_get_info_by_fd(int fd, Pointer info, int[] size);

        int bpf_obj_pin(int fd, String path);

        int bpf_obj_get(String path);

        int bpf_map_create(
                int type, String name, int keySize, int valueSize, int maxEntries, Pointer opts);

        int bpf_map_lookup_elem(int fd, @In byte[] key, @Out byte[] value);

        int bpf_map_update_elem(int fd, @In byte[] key, @In byte[] value, long flags);

        int bpf_map_delete_elem(int fd, @In byte[] key);

        int bpf_map_get_next_key(int fd, @In byte[] key, @Out byte[] next);

        int bpf_prog_test_run_opts(int fd, Pointer opts);

        int bpf_link_create(int program, int target, int attachType, Pointer opts);

        int bpf_link_detach(int link);

        int bpf_prog_query_opts(int target, int type, Pointer opts);

        int bpf_prog_get_next_id(int id, int[] next);

        int bpf_prog_get_fd_by_id(int id);

        int bpf_map_get_fd_by_id(int id);

        int bpf_link_update(int link, int program, Pointer opts);

        Pointer ring_buffer__new(int map, Sample sample, Pointer context, Pointer opts);

        int ring_buffer__consume(Pointer ring);

        int ring_buffer__epoll_fd(Pointer ring);

        void ring_buffer__free(Pointer ring);
    }

    /** libbpf calls back for as long as the process lives, so it must never be collected. */
    private static final Print PRINT = LibBpf::print;

    /** How the last line starts, which tells no more than the errno does. */
    private static final String SUMMARY = "libbpf: failed to load object";

    private static final ThreadLocal<String> WARNING = new ThreadLocal<>();

    private static final NativeLibrary<Functions> LIBRARY = library("libbpf.so.1");

    private LibBpf() {}

    static Functions libbpf() {
        return LIBRARY.functions();
    }

    static NativeLibrary<Functions> library(String name) {
        return new NativeLibrary<>(
                Functions.class,
                name,
                "Install libbpf 1.x: apt install libbpf1, dnf install libbpf",
                functions -> functions.libbpf_set_print(PRINT));
    }

    /** Throws unless the result of a libbpf call is 0 or positive. */
    static int check(String operation, int result) {
        if (result < 0) {
            throw BpfException.of(operation, -result);
        }
        return result;
    }

    /** Forgets what libbpf has complained about on this thread so far. */
    static void clearWarning() {
        WARNING.remove();
    }

    /**
     * What libbpf complained about last on this thread since {@link #clearWarning}, null if there
     * was nothing.
     */
    static String warning() {
        return WARNING.get();
    }

    private static int print(int level, Pointer format, Pointer arguments) {
        if (level == LIBBPF_WARN) {
            String line = format(format, arguments).strip();
            if (!line.startsWith(SUMMARY)) {
                WARNING.set(line);
            }
        }
        return 0;
    }

    private static String format(Pointer format, Pointer arguments) {
        byte[] text = new byte[1024];
        return LibC.libc().vsnprintf(text, text.length, format, arguments) < 0
                ? format.getString(0)
                : LibC.string(text);
    }

    /** {@code struct bpf_object_open_opts}. */
    static final class ObjectOpenOpts extends CStruct {
        final size_t sz = new size_t();
        final Pointer object_name = new Pointer();
        final Unsigned8 relaxed_maps = new Unsigned8();
        final Pointer pin_root_path = new Pointer();
        final Unsigned32 unused = new Unsigned32();
        final Pointer kconfig = new Pointer();
        final Pointer btf_custom_path = new Pointer();
        final Pointer kernel_log_buf = new Pointer();
        final size_t kernel_log_size = new size_t();
        final Unsigned32 kernel_log_level = new Unsigned32();

        ObjectOpenOpts() {
            sz.set(size());
        }
    }

    /** The start of {@code struct bpf_map_create_opts}. */
    static final class MapCreateOpts extends CStruct {
        final size_t sz = new size_t();
        final Unsigned32 btf_fd = new Unsigned32();
        final Unsigned32 btf_key_type_id = new Unsigned32();
        final Unsigned32 btf_value_type_id = new Unsigned32();
        final Unsigned32 btf_vmlinux_value_type_id = new Unsigned32();
        final Unsigned32 inner_map_fd = new Unsigned32();
        final Unsigned32 map_flags = new Unsigned32();

        MapCreateOpts() {
            sz.set(size());
        }
    }

    /** The start of {@code struct bpf_map_info}. */
    static final class MapInfo extends CStruct {
        final Unsigned32 type = new Unsigned32();
        final Unsigned32 id = new Unsigned32();
        final Unsigned32 key_size = new Unsigned32();
        final Unsigned32 value_size = new Unsigned32();
        final Unsigned32 max_entries = new Unsigned32();
        final Unsigned32 map_flags = new Unsigned32();
        final UTF8String name = new UTF8String(MAX_NAME + 1);

        MapInfo(int fd) {
            read(fd, this);
        }
    }

    /** The start of {@code struct bpf_prog_info}. */
    static final class ProgInfo extends CStruct {
        final Unsigned32 type = new Unsigned32();
        final Unsigned32 id = new Unsigned32();
        final Padding tag = new Padding(jnr.ffi.NativeType.UCHAR, 8);
        final Padding lengths = new Padding(jnr.ffi.NativeType.UINT, 2);
        final Padding instructions = new Padding(jnr.ffi.NativeType.ULONGLONG, 2);
        final Unsigned64 load_time = new Unsigned64();
        final Unsigned32 created_by_uid = new Unsigned32();
        final Unsigned32 nr_map_ids = new Unsigned32();
        final Pointer map_ids = new Pointer();
        final UTF8String name = new UTF8String(MAX_NAME + 1);

        ProgInfo(int fd) {
            read(fd, this);
        }

        /** With the ids of the maps, as many as there is room for. */
        ProgInfo(int fd, jnr.ffi.Pointer mapIds, int room) {
            point(map_ids, mapIds);
            nr_map_ids.set(room);
            read(fd, this);
        }
    }

    /** {@code struct bpf_prog_query_opts}. */
    static final class ProgQueryOpts extends CStruct {
        final size_t sz = new size_t();
        final Unsigned32 query_flags = new Unsigned32();
        final Unsigned32 attach_flags = new Unsigned32();
        final Pointer prog_ids = new Pointer();
        final Unsigned32 prog_cnt = new Unsigned32();
        final Pointer prog_attach_flags = new Pointer();

        ProgQueryOpts() {
            sz.set(size());
        }
    }

    /** {@code struct bpf_link_info} of a tcx link. */
    static final class LinkInfo extends CStruct {
        final Unsigned32 type = new Unsigned32();
        final Unsigned32 id = new Unsigned32();
        final Unsigned32 prog_id = new Unsigned32();
        final Padding union = new Padding(jnr.ffi.NativeType.UINT, 1);
        final Unsigned32 ifindex = new Unsigned32();
        final Unsigned32 attach_type = new Unsigned32();

        LinkInfo(int fd) {
            read(fd, this);
        }
    }

    private static void read(int fd, CStruct info) {
        check(
                "read the info of a BPF file descriptor",
                info.pass(p -> libbpf().bpf_obj_get_info_by_fd(fd, p, new int[] {info.size()})));
    }

    /** The start of {@code struct bpf_link_create_opts}. */
    static final class LinkCreateOpts extends CStruct {
        final size_t sz = new size_t();
        final Unsigned32 flags = new Unsigned32();

        LinkCreateOpts() {
            sz.set(size());
        }
    }

    /** {@code struct bpf_test_run_opts}. */
    static final class TestRunOpts extends CStruct {
        final size_t sz = new size_t();
        final Pointer data_in = new Pointer();
        final Pointer data_out = new Pointer();
        final Unsigned32 data_size_in = new Unsigned32();
        final Unsigned32 data_size_out = new Unsigned32();
        final Pointer ctx_in = new Pointer();
        final Pointer ctx_out = new Pointer();
        final Unsigned32 ctx_size_in = new Unsigned32();
        final Unsigned32 ctx_size_out = new Unsigned32();
        final Unsigned32 retval = new Unsigned32();
        final Signed32 repeat = new Signed32();
        final Unsigned32 duration = new Unsigned32();
        final Unsigned32 flags = new Unsigned32();
        final Unsigned32 cpu = new Unsigned32();
        final Unsigned32 batch_size = new Unsigned32();

        TestRunOpts() {
            sz.set(size());
        }
    }

    /** {@code struct __sk_buff} as far as a test run may set it. */
    static final class SkBuff extends CStruct {
        final Unsigned32 len = new Unsigned32();
        final Unsigned32 pkt_type = new Unsigned32();
        final Unsigned32 mark = new Unsigned32();
        final Padding queue_mapping_to_vlan_proto = new Padding(jnr.ffi.NativeType.UINT, 5);
        final Unsigned32 priority = new Unsigned32();
        final Unsigned32 ingress_ifindex = new Unsigned32();
        final Unsigned32 ifindex = new Unsigned32();
        final Padding tc_index_to_data_meta = new Padding(jnr.ffi.NativeType.UINT, 25);
        final Unsigned64 flow_keys = new Unsigned64();
        final Unsigned64 tstamp = new Unsigned64();
        final Unsigned32 wire_len = new Unsigned32();
        final Unsigned32 gso_segs = new Unsigned32();
        final Unsigned64 sk = new Unsigned64();
        final Unsigned32 gso_size = new Unsigned32();
    }
}
