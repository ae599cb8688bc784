"""What customers say, and whom they bring: answers, complaints, membership, referrals, leads."""
