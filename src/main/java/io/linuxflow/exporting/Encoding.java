// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static io.linuxflow.flow.FlowLayout.INT;
import static io.linuxflow.flow.FlowLayout.LONG;
import static io.linuxflow.flow.FlowLayout.SHORT;

import io.linuxflow.ipfix.NtpTimestamp;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * How a member of flow records, or a column, becomes a field of Data Records. Each is one tight
 * loop over a run of records: field by field is faster than record by record, which has to find out
 * for every field of every record what to do.
 */
enum Encoding {
    /** Octets as they are: single octets, and what is in network byte order already. */
    OCTETS1 {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                out[o] = flows[offsets[i] + member];
            }
        }
    },
    OCTETS2 {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                SHORT.set(out, o, (short) SHORT.get(flows, offsets[i] + member));
            }
        }
    },
    OCTETS4 {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                INT.set(out, o, (int) INT.get(flows, offsets[i] + member));
            }
        }
    },
    OCTETS16 {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                LONG.set(out, o, (long) LONG.get(flows, offsets[i] + member));
                LONG.set(out, o + 8, (long) LONG.get(flows, offsets[i] + member + 8));
            }
        }
    },
    UNSIGNED16 {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                NETWORK_SHORT.set(out, o, (short) SHORT.get(flows, offsets[i] + member));
            }
        }
    },
    UNSIGNED32 {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                NETWORK_INT.set(out, o, (int) INT.get(flows, offsets[i] + member));
            }
        }
    },
    UNSIGNED64 {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                NETWORK_LONG.set(out, o, (long) LONG.get(flows, offsets[i] + member));
            }
        }
    },
    /** An unsigned 32-bit member in fewer octets; the largest value that fits stands for more. */
    CAPPED32 {
        @Override
        void encode(Run run, int member, int at, int length) {
            for (int i = run.from, o = at; i < run.to; i++, o += run.recordLength) {
                int value = (int) INT.get(run.flows, run.offsets[i] + member);
                capped(run, Integer.toUnsignedLong(value), o, length);
            }
        }
    },
    /** An unsigned 64-bit member, likewise. */
    CAPPED64 {
        @Override
        void encode(Run run, int member, int at, int length) {
            for (int i = run.from, o = at; i < run.to; i++, o += run.recordLength) {
                capped(run, (long) LONG.get(run.flows, run.offsets[i] + member), o, length);
            }
        }
    },
    /** The lower octet of a 16-bit member. */
    LOW_OCTET {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                out[o] = (byte) (short) SHORT.get(flows, offsets[i] + member);
            }
        }
    },
    SECONDS {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                long nanos = (long) LONG.get(flows, offsets[i] + member);
                NETWORK_INT.set(out, o, (int) (nanos / 1_000_000_000));
            }
        }
    },
    MILLISECONDS {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                long nanos = (long) LONG.get(flows, offsets[i] + member);
                NETWORK_LONG.set(out, o, nanos / 1_000_000);
            }
        }
    },
    MICROSECONDS {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                long nanos = (long) LONG.get(flows, offsets[i] + member);
                NETWORK_LONG.set(out, o, NtpTimestamp.ofMicroseconds(nanos));
            }
        }
    },
    NANOSECONDS {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                long nanos = (long) LONG.get(flows, offsets[i] + member);
                NETWORK_LONG.set(out, o, NtpTimestamp.ofNanoseconds(nanos));
            }
        }
    },
    /**
     * forwardingStatus out of flowDirection: what is metered at egress (1) is Forwarded, reason
     * unknown (64); at ingress (0) it is Unknown (0).
     */
    FORWARDED_AT_EGRESS {
        @Override
        void encode(Run run, int member, int at, int length) {
            byte[] flows = run.flows;
            int[] offsets = run.offsets;
            byte[] out = run.out;
            int step = run.recordLength;
            for (int i = run.from, to = run.to, o = at; i < to; i++, o += step) {
                out[o] = (byte) (flows[offsets[i] + member] << 6);
            }
        }
    },
    /** The same for all records. */
    OBSERVATION_DOMAIN {
        @Override
        void encode(Run run, int member, int at, int length) {
            for (int i = run.from, o = at; i < run.to; i++, o += run.recordLength) {
                NETWORK_INT.set(run.out, o, run.observationDomainId);
            }
        }
    },
    /** A number of a column; 0 if there is none, the largest that fits for more. */
    COLUMN_UNSIGNED {
        @Override
        void encode(Run run, int column, int at, int length) {
            for (int i = run.from, o = at; i < run.to; i++, o += run.recordLength) {
                byte[] value = run.value(column, i);
                if (value != null && value.length == length) {
                    System.arraycopy(value, 0, run.out, o, length);
                } else {
                    capped(run, number(value), o, length);
                }
            }
        }
    },
    /** An address of a column; 0 if there is none, or one of the other IP version. */
    COLUMN_ADDRESS {
        @Override
        void encode(Run run, int column, int at, int length) {
            for (int i = run.from, o = at; i < run.to; i++, o += run.recordLength) {
                byte[] value = run.value(column, i);
                if (value != null && value.length == length) {
                    System.arraycopy(value, 0, run.out, o, length);
                } else {
                    Arrays.fill(run.out, o, o + length, (byte) 0);
                }
            }
        }
    },
    /** A text of a column, cut to whole characters or filled up with NUL. */
    COLUMN_TEXT {
        @Override
        void encode(Run run, int column, int at, int length) {
            for (int i = run.from, o = at; i < run.to; i++, o += run.recordLength) {
                byte[] text = run.value(column, i);
                int fits = Text.cut(text, length);
                if (fits > 0) {
                    System.arraycopy(text, 0, run.out, o, fits);
                }
                Arrays.fill(run.out, o + fits, o + length, (byte) 0);
                run.countCut(text, fits);
            }
        }
    };

    private static final VarHandle NETWORK_SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle NETWORK_INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle NETWORK_LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    /**
     * Encodes one field of all records of the run.
     *
     * @param source offset of the member in a flow record, or index of the column
     * @param at where the field of the first record goes in {@link Run#out}
     * @param length octets of the field
     */
    abstract void encode(Run run, int source, int at, int length);

    private static void capped(Run run, long value, int at, int length) {
        long largest = length == Long.BYTES ? -1 : (1L << 8 * length) - 1;
        long fits = value;
        if (Long.compareUnsigned(value, largest) > 0) {
            fits = largest;
            run.capped++;
        }
        for (int i = length - 1; i >= 0; i--, fits >>>= 8) {
            run.out[at + i] = (byte) fits;
        }
    }

    /** Octets in network byte order; null is 0. */
    private static long number(byte[] octets) {
        long number = 0;
        for (int i = 0; octets != null && i < octets.length; i++) {
            number = number << 8 | octets[i] & 0xff;
        }
        return number;
    }
}
