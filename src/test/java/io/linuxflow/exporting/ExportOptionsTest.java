// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.Message;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExportOptionsTest {

    private static final Duration REFRESH = Duration.ofSeconds(60);

    @Test
    void theLeastMaximumMessageLengthIsNamedAndWorks() throws Exception {
        for (String list : new String[] {FieldList.DEFAULT_ELEMENTS, "ipVersion"}) {
            FieldList fields = FieldList.parse(list);
            int least =
                    16
                            + 4
                            + fields.templates().stream()
                                    .mapToInt(t -> Math.max(t.length(), t.minimumRecordLength()))
                                    .max()
                                    .orElseThrow();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new ExportOptions(fields, least - 1, REFRESH, 1))
                    .withMessageContaining(
                            "maximum Message length %d is out of range: these fields need at least %d"
                                    .formatted(least - 1, least));

            ExportingProcess process =
                    new ExportingProcess(new ExportOptions(fields, least, REFRESH, 1));
            byte[] octets = Exported.octets(process, Flows.random(new Random(3), 100, 0), 0);
            assertThat(Exported.datagrams(octets)).allMatch(datagram -> datagram.length <= least);
            assertThat(
                            Exported.messages(new IpfixReader(), octets).stream()
                                    .map(Message::records)
                                    .mapToInt(List::size)
                                    .sum())
                    .isEqualTo(100);
        }
    }

    @Test
    void noMessageExceeds16BitsOfLength() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ExportOptions(FieldList.DEFAULT, 65536, REFRESH, 1))
                .withMessageContaining("65535");
    }

    @Test
    void observationDomainIdsHave32Bits() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ExportOptions(FieldList.DEFAULT, 1400, REFRESH, 1L << 32))
                .withMessageContaining("4294967296");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ExportOptions(FieldList.DEFAULT, 1400, REFRESH, -1));

        ExportingProcess last =
                new ExportingProcess(
                        new ExportOptions(FieldList.DEFAULT, 1400, REFRESH, 0xffff_ffffL));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Exported.octets(last, Flows.random(new Random(4), 1, 1), 0))
                .withMessageContaining("choose a lower Observation Domain ID");
    }

    @Test
    void aNegativeTemplateRefreshIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ExportOptions(FieldList.DEFAULT, 1400, REFRESH.negated(), 1))
                .withMessageContaining("negative");
    }
}
