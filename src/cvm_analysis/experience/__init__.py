"""What customers say and whom they bring: surveys, complaints, points, referrals, leads."""
