// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Whatever comes in, an {@link IpfixException} is the worst that comes out. */
class IpfixReaderFuzzTest {

    private static final int ROUNDS = 30_000;

    private final Random random = new Random(20_261_124);
    private final IpfixReader reader =
            new IpfixReader(ElementRegistry.iana(), new TemplateStore(8, 1000));
    private int accepted;
    private int refused;

    @Test
    void randomOctets() {
        for (int i = 0; i < ROUNDS; i++) {
            byte[] octets = new byte[random.nextInt(200)];
            random.nextBytes(octets);
            // Else nothing would ever get past the header.
            if (octets.length >= 16) {
                ByteBuffer.wrap(octets).putShort((short) 10).putShort((short) octets.length);
            }
            read(octets);
        }
        assertThat(refused).isPositive();
    }

    @Test
    void wellFormedMessagesWithSomeOctetsChanged() {
        byte[] valid = valid();
        for (int i = 0; i < ROUNDS; i++) {
            byte[] octets = valid.clone();
            for (int changes = random.nextInt(4); changes >= 0; changes--) {
                octets[random.nextInt(octets.length)] =
                        random.nextBoolean()
                                ? (byte) random.nextInt()
                                : (byte) (random.nextInt(3) - 1);
            }
            read(octets);
        }
        assertThat(accepted).isPositive();
        assertThat(refused).isPositive();
    }

    @Test
    void wellFormedMessagesCutOff() {
        byte[] valid = valid();
        for (int length = 0; length < valid.length; length++) {
            byte[] octets = Arrays.copyOf(valid, length);
            read(octets);
            if (length >= 4) {
                ByteBuffer.wrap(octets).putShort(2, (short) length);
                read(octets);
            }
        }
        assertThat(refused).isPositive();
    }

    /** Every element that IANA registers in one Template, an options Template, and data of both. */
    private byte[] valid() {
        MessageWriter writer = new MessageWriter();
        writer.startMessage(1_700_000_000, 0, 1);
        List<FieldSpecifier> fields =
                IntStream.range(1, 500)
                        .mapToObj(id -> ElementRegistry.iana().byId(id, 0))
                        .flatMap(Optional::stream)
                        .map(FieldSpecifier::new)
                        .toList();
        writer.writeTemplateSet(
                List.of(
                        new Template(256, fields),
                        new Template(257, fields.subList(0, 40)),
                        new Template(258, List.of(fields.get(0)))));
        writer.startSet(3);
        put(writer, "0103 0002 0001 0095 0004 0052 ffff");
        writer.endSet();
        writer.startSet(257);
        writer.extend(2 * new Template(257, fields.subList(0, 40)).minimumRecordLength());
        writer.endSet();
        writer.startSet(259);
        put(writer, "00000001 03 616263 00000002 ff 0002 6162");
        writer.endSet();
        writer.endMessage();
        return writer.toByteArray();
    }

    private static void put(MessageWriter writer, String text) {
        byte[] octets = Hex.octets(text);
        int at = writer.extend(octets.length);
        System.arraycopy(octets, 0, writer.array(), at, octets.length);
    }

    private void read(byte[] octets) {
        ByteBuffer buffer = ByteBuffer.wrap(octets);
        do {
            int before = buffer.position();
            try {
                Message message = reader.read(random.nextInt(12), buffer);
                message.records().forEach(record -> assertThat(record.toString()).isNotNull());
                accepted++;
            } catch (IpfixException e) {
                assertThat(e.getMessage()).contains("RFC 7011");
                refused++;
            }
            assertThat(buffer.position() > before || !buffer.hasRemaining()).isTrue();
        } while (buffer.hasRemaining());
    }
}
